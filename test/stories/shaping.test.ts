/** What an operator changes in messages on their way in: addresses, copies, and what his rules ask for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIpNetwork } from '../../src/base/ip-network.ts'
import type { Config } from '../../src/config/config.ts'
import { checkOf } from '../../src/config/check.ts'
import { runControl } from '../../src/admin/control.ts'
import type { System } from '../../src/system/types.ts'
import type { ContentRule } from '../../src/checks/content.ts'
import { rewriteDefaults, type RewriteOptions } from '../../src/delivery/rewrite/options.ts'
import { Typist } from './typist.ts'
import { messagesIn, password, World } from './world.ts'

const address = '10.0.0.1'
const alice = 'alice@a.example'
const archive = 'archive@a.example'
const own = [parseIpNetwork('198.51.100.0/24')!]
const stranger = '203.0.113.1'

async function homeWith(
  world: World,
  rewrite: Partial<RewriteOptions>,
  checks: readonly ContentRule[] = [],
  rest: Partial<Config> = {},
): Promise<System> {
  return world.start({
    hostname: 'mx.a.example',
    address,
    domains: ['a.example'],
    mailboxes: [alice, archive],
    config: { trustedNetworks: own, rewrite: { ...rewriteDefaults, ...rewrite }, checks, ...rest },
  })
}

function rule(pattern: string, action: string, text?: string, more: object = {}): ContentRule {
  const said = { name: undefined, where: 'header', of: 'all', pattern, action, text, ...more }
  const read = checkOf(said as Parameters<typeof checkOf>[0], 0)
  assert.ok('rule' in read, JSON.stringify(read))
  return read.rule
}

interface Sent {
  readonly from?: string
  readonly to?: readonly string[]
  readonly lines?: readonly string[]
  readonly hear?: string
  /** Of the client: one of our own network, unless it is said otherwise. */
  readonly by?: string
  readonly port?: number
}

/** @returns the answers to the message. */
async function send(
  world: World,
  { from = 'x@far.example', to = [alice], lines = [], hear = '250', by = '198.51.100.7', port = 25 }: Sent,
): Promise<string> {
  const typist = await Typist.connect(world, address, port, by)
  await typist.reply()
  await typist.talk(
    [port === 24 ? 'LHLO host' : 'EHLO host', '250'],
    [`MAIL FROM:<${from}>`, '250'],
    ...to.map((one) => [`RCPT TO:<${one}>`, '250'] as const),
    ['DATA', '354'],
  )
  const said = await typist.say([...(lines.length > 0 ? lines : ['Subject: hello', '', 'Hello']), '.'].join('\r\n'))
  assert.equal(said.slice(0, hear.length), hear)
  const more = port === 24 ? await Promise.all(to.slice(1).map(() => typist.reply())) : []
  await typist.talk(['QUIT', '221'])
  await world.clock.pass(1000)
  return [said, ...more].join('\n')
}

test('senders, recipients and headers of our hosts are rewritten; of strangers only whom it is for', async () => {
  const world = new World()
  const a = await homeWith(world, {
    senderCanonical: new Map([['@lan.a.example', '@a.example']]),
    recipientCanonical: new Map([['chief@a.example', alice]]),
    masqueradeDomains: ['a.example'],
  })
  const lines = [
    'From: Bob <bob@lan.a.example>',
    'To: chief@a.example',
    'Cc: x@desk.a.example',
    'Subject: hi',
    '',
    'Hello',
  ]
  await send(world, { from: 'bob@lan.a.example', to: ['chief@a.example'], lines })
  await send(world, { from: 'bob@lan.a.example', to: ['chief@a.example'], lines, by: stranger })
  const [ours, theirs] = await messagesIn(a, alice)
  assert.match(ours!, /^Return-Path: <bob@a\.example>\r\nDelivered-To: alice@a\.example\r\n/)
  assert.match(
    ours!,
    /\r\nFrom: Bob <bob@a\.example>\r\nTo: alice@a\.example\r\nCc: x@a\.example\r\nSubject: hi\r\n\r\nHello\r\n$/,
  )
  assert.match(theirs!, /^Return-Path: <bob@lan\.a\.example>\r\n/)
  assert.match(theirs!, /\r\nFrom: Bob <bob@lan\.a\.example>\r\nTo: chief@a\.example\r\n/)
  await world.stop()
})

test('a user may write his internal address, where others see his own; and nobody that of another', async () => {
  const world = new World()
  const senderCanonical = new Map([
    ['asmith@lan.example', alice],
    ['boss@lan.example', archive],
  ])
  const system = await world.start({
    hostname: 'mx.a.example',
    address,
    domains: ['a.example'],
    users: [alice],
    mailboxes: [archive],
    config: { rewrite: { ...rewriteDefaults, senderCanonical } },
  })
  const typist = await Typist.connect(world, address, 587, stranger)
  await typist.reply()
  await typist.talk(['EHLO host', '250'])
  await typist.startTls()
  await typist.talk(['EHLO host', '250'])
  const secret = Buffer.from(`\0${alice}\0${password}`).toString('base64')
  assert.match(await world.clock.outside(typist.say(`AUTH PLAIN ${secret}`)), /^235 /)
  const write = (from: string): string => `From: ${from}\r\nSubject: x\r\n\r\nHello\r\n.`
  await typist.talk(
    ['MAIL FROM:<boss@lan.example>', '550 5.7.1'],
    ['MAIL FROM:<asmith@lan.example>', '250'],
    [`RCPT TO:<${alice}>`, '250'],
    ['DATA', '354'],
    [write('boss@lan.example'), '550 5.7.1'],
    ['MAIL FROM:<asmith@lan.example>', '250'],
    [`RCPT TO:<${alice}>`, '250'],
    ['DATA', '354'],
    [write('asmith@lan.example'), '250'],
  )
  const [filed, ...more] = await messagesIn(system, alice)
  assert.equal(more.length, 0)
  assert.match(filed!, /^Return-Path: <alice@a\.example>\r\n[^]*\r\nFrom: alice@a\.example\r\n/)
  await world.stop()
})

test('copies are kept, and nobody hears of them, nor of those that cannot be', async () => {
  const world = new World()
  const a = await homeWith(world, {
    alwaysBcc: [archive, 'gone@a.example', 'far@nowhere.example'],
    senderBcc: new Map([['boss@far.example', 'assistant@nowhere.example']]),
  })
  await send(world, { from: alice })
  await send(world, { from: 'boss@far.example' })
  assert.equal((await messagesIn(a, archive)).length, 2)
  await world.clock.pass(60_000)
  const filed = await messagesIn(a, alice)
  // Her own two; no notice of the copies that failed.
  assert.equal(filed.length, 2)
  for (const message of filed) assert.doesNotMatch(message, /archive|nowhere/)
  assert.ok(
    world.events.some((event) => event.startsWith('warn BCC copy could not be filed {"recipient":"gone@a.example"')),
  )
  // In LMTP each recipient still has one answer.
  const said = await send(world, { to: [alice, alice], port: 24 })
  assert.equal(said.split('\n').length, 2)
  assert.equal((await messagesIn(a, archive)).length, 3)
  await world.stop()
})

test('rules of headers and bodies: refused, discarded, prepended, stripped, copied, led elsewhere', async () => {
  const world = new World()
  const a = await homeWith(world, {}, [
    rule('/^Subject: .*lottery/i', 'reject', 'We do not play'),
    rule('/^Subject: forget/', 'discard'),
    rule('/^X-Internal:/', 'strip'),
    rule('/^Subject: mark/', 'prepend', 'X-Marked: yes'),
    rule('/^Subject: copy/', 'bcc', archive),
    rule('/^Subject: lead/', 'redirect', archive),
    rule('/^Subject: lost/', 'redirect', 'gone@a.example'),
    rule('/casino/i', 'reject', 'No casinos', { where: 'body' }),
    rule('/^Subject: stranger/', 'reject', 'Not from strangers', { of: 'unauthenticated' }),
  ])
  const about = (subject: string, ...body: string[]): readonly string[] => [
    `X-Internal: 1`,
    `Subject: ${subject}`,
    '',
    ...body,
  ]
  await send(world, { lines: about('The LOTTERY'), hear: '550 5.7.1 We do not play' })
  await send(world, { lines: about('=?utf-8?q?L=6Fttery?='), hear: '550 5.7.1' })
  await send(world, { lines: about('fun', 'best', 'Casino in town'), hear: '550 5.7.1 No casinos' })
  const forgotten = await send(world, { lines: about('forget') })
  const taken = /accepted as (\S+)/.exec(forgotten)![1]!
  assert.deepEqual(
    (await a.store.read.ledger(taken)).map(({ recipient, outcome, detail }) => `${recipient} ${outcome} ${detail}`),
    [`${alice} discarded check 1`],
  )
  await send(world, { lines: about('lost'), hear: '451' })
  await send(world, { lines: about('stranger'), by: stranger, hear: '550 5.7.1 Not' })
  assert.deepEqual(await messagesIn(a, alice), [])
  await send(world, { lines: about('stranger') })
  await send(world, { lines: about('mark') })
  await send(world, { lines: about('copy') })
  await send(world, { lines: about('lead'), to: [alice, 'x@far.example'] })
  const filed = await messagesIn(a, alice)
  assert.deepEqual(
    filed.map((message) => /^Subject: (.*)\r$/m.exec(message)![1]),
    ['stranger', 'mark', 'copy'],
  )
  for (const message of filed) assert.doesNotMatch(message, /X-Internal/)
  assert.match(filed[1]!, /\r\nX-Marked: yes\r\n/)
  const kept = await messagesIn(a, archive)
  assert.deepEqual(
    kept.map((message) => /^Subject: (.*)\r$/m.exec(message)![1]),
    ['copy', 'lead'],
  )
  assert.equal((await a.store.read.queue(0, 10)).length, 0)
  await world.stop()
})

test('what is held waits for the operator, here and for others', async () => {
  const world = new World()
  const a = await homeWith(world, {}, [rule('/^Subject: look/', 'hold')])
  const b = await world.start({
    hostname: 'mx.b.example',
    address: '10.0.0.2',
    domains: ['b.example'],
    mailboxes: ['bob@b.example'],
  })
  await send(world, { lines: ['Subject: look', '', 'Hello'], to: [alice, 'bob@b.example'] })
  await world.clock.pass(7 * 24 * 3_600_000)
  const rows = await a.store.read.queue(0, 10)
  assert.deepEqual(
    rows.map(({ state, attempts }) => `${state} ${attempts}`),
    ['held 0', 'held 0'],
  )
  assert.deepEqual([await messagesIn(a, alice), await messagesIn(b, 'bob@b.example')], [[], []])
  const tools = { store: a.store, clock: world.clock, flushTrace: async () => {} }
  await runControl(tools, 'queueAct', { recipients: rows.map(({ id }) => id), act: 'release' } as never)
  await world.clock.pass(60_000)
  assert.equal((await messagesIn(a, alice)).length, 1)
  assert.equal((await messagesIn(b, 'bob@b.example')).length, 1)
  await world.stop()
})

test('a reload brings other rules', async () => {
  const world = new World()
  const a = await homeWith(world, { alwaysBcc: [archive] })
  await send(world, {})
  await world.clock.until(
    a.reload({ ...a.config, rewrite: rewriteDefaults, checks: [rule('/^Subject: hello/', 'reject')] }),
  )
  await send(world, { hear: '550 5.7.1 Refused by a rule of this host' })
  await world.clock.until(a.reload({ ...a.config, checks: [] }))
  await send(world, {})
  assert.deepEqual([(await messagesIn(a, alice)).length, (await messagesIn(a, archive)).length], [2, 1])
  await world.stop()
})
