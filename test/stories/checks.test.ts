/** Checks of every kind that a milter, a spam filter or a greylist needs: each is one object in the array of the system. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { latin1 } from '../../src/base/bytes.ts'
import { early, type Answer, type Check, type CheckedMessage, type Verdict } from '../../src/checks/check.ts'
import { defaultConfig } from '../../src/config/load.ts'
import { status } from '../../src/mail/status.ts'
import { thresholdCheck } from '../../src/checks/threshold.ts'
import type { System } from '../../src/system/types.ts'
import { Typist } from './typist.ts'
import { messagesIn, World } from './world.ts'

const address = '10.0.0.1'
const alice = 'alice@a.example'
const bob = 'bob@a.example'
const from = 'x@far.example'

type With = (ours: readonly Check[]) => readonly Check[]

/** Before the threshold, as a new row would stand. */
const withRows =
  (...rows: readonly Check[]): With =>
  (ours) => [...ours.slice(0, -1), ...rows, ours.at(-1)!]

async function homeWith(world: World, withChecks: With): Promise<System> {
  const site = { hostname: 'mx.a.example', address, domains: ['a.example'], mailboxes: [alice, bob] }
  return world.start(site, (platform) => ({ ...platform, withChecks }))
}

const text = (words: string): string => `From: x@far.example\r\nSubject: ${words}\r\n\r\n${words}\r\n`

/** One message on one connection. @returns the replies after the greeting. */
async function says(world: World, words: string, recipients: readonly string[] = [alice]): Promise<string[]> {
  const typist = await Typist.connect(world, address)
  await typist.reply()
  const replies: string[] = []
  const say = async (line: string): Promise<boolean> => {
    const reply = await typist.say(line)
    replies.push(reply.split('\n').at(-1)!)
    return reply.startsWith('2') || reply.startsWith('3')
  }
  const begun = (await say('EHLO far.example')) && (await say(`MAIL FROM:<${from}>`))
  let taken = 0
  if (begun) for (const recipient of recipients) if (await say(`RCPT TO:<${recipient}>`)) taken++
  if (taken > 0 && (await say('DATA'))) await say(`${text(words)}.`)
  await typist.say('QUIT')
  return replies
}

const codes = (replies: readonly string[]): string[] => replies.map((reply) => reply.slice(0, 3))

test('like a milter: it sees every moment, refuses a recipient, adds a header, and hears of the end', async () => {
  const world = new World()
  const seen: string[] = []
  const see = (...words: string[]): undefined => void seen.push(words.join(' '))
  const milter: Check = {
    ...{ name: 'milter', speaksFor: 'all', limitMs: 10_000, onFailure: { defer: 'The filter is away' } },
    begin(client) {
      see('connect', client.peer.address)
      return {
        hello: async ({ helo }) => see('hello', helo),
        sender: async (_, path) => see('sender', path?.localPart ?? ''),
        async recipient(_, { localPart }): Promise<Verdict> {
          see('recipient', localPart)
          if (localPart !== 'bob') return undefined
          return { kind: 'refuse', status: { code: 550, enhanced: '5.7.1', text: 'Not to bob' } }
        },
        data: async () => see('data'),
        async message(_, message): Promise<Verdict> {
          const { fields } = await message.header()
          const bytes = await message.read(0, message.sizeBytes)
          see('message', `${fields.length}`, `${bytes.length}`, `${message.recipients.length}`)
          return { kind: 'note', headers: ['X-Milter: seen'] }
        },
        closed: () => void see('closed'),
      }
    },
  }
  const system = await homeWith(world, withRows(milter))
  const replies = await says(world, 'hello', [bob, alice])
  assert.deepEqual(codes(replies), ['250', '250', '550', '250', '354', '250'])
  assert.equal(replies[2], '550 5.7.1 Not to bob')
  await world.clock.pass(10_000)
  const bytes = text('hello').length
  assert.deepEqual(seen, [
    'connect 198.51.100.7',
    ...['hello far.example', 'sender x', 'recipient bob', 'recipient alice', 'data', `message 2 ${bytes} 1`, 'closed'],
  ])
  const [message] = await messagesIn(system, alice)
  assert.match(message!, /^X-Milter: seen\r\n/m)
  assert.ok(message!.endsWith(text('hello')))
  await world.stop()
})

/** Its work begins with the sender, takes two seconds, and is awaited when the message is there. */
function spamFilter(world: World, begun: string[]): Check {
  return {
    ...{ name: 'spam', speaksFor: 'unauthenticated', limitMs: 10_000, onFailure: 'pass' },
    begin() {
      let reputation: Promise<number>
      return {
        sender(_, path) {
          begun.push(path!.localPart)
          reputation = early(new Promise((resolve) => world.clock.after(2000, () => resolve(1))))
          return undefined
        },
        async message(_, message): Promise<Verdict> {
          let body = ''
          for await (const piece of message.body()) body += latin1(piece)
          const score = (await reputation) + 5 * (body.split('buy').length - 1)
          return { kind: 'note', score, fitted: ['REPUTATION'] }
        },
      }
    },
  }
}

test('like a spam filter: work that began with the sender is awaited at the end, and the sum of scores decides', async () => {
  for (const refuse of [Infinity, 10]) {
    const world = new World()
    const begun: string[] = []
    const fixed: Check = {
      ...{ name: 'list', speaksFor: 'all', onFailure: 'pass' },
      begin: () => ({ hello: () => ({ kind: 'note', score: -0.5 }) }),
    }
    const system = await homeWith(world, (ours) => [
      ...ours.slice(0, -1),
      ...[fixed, spamFilter(world, begun), thresholdCheck({ now: { junk: 5, refuse } })],
    ])
    assert.equal((await says(world, 'hello')).at(-1)!.slice(0, 3), '250')
    assert.equal((await says(world, 'please buy')).at(-1)!.slice(0, 3), '250')
    const worst = (await says(world, 'buy buy')).at(-1)!
    assert.match(worst, refuse === 10 ? /^550 5\.7\.1 This message looks like spam$/ : /^250 /)
    assert.deepEqual(begun, ['x', 'x', 'x'])
    assert.equal((await messagesIn(system, alice)).length, 1)
    assert.equal((await messagesIn(system, alice, 'Junk')).length, refuse === 10 ? 1 : 2)
    await world.stop()
  }
})

const broken = (name: string, onFailure: Check['onFailure'], message: () => Answer): Check => ({
  ...{ name, speaksFor: 'all', limitMs: 5000, onFailure },
  begin: () => ({ message }),
})

test('one that hangs or throws is answered for by its `onFailure`, and told in the log', async () => {
  for (const [kind, message] of [
    ['hangs', () => new Promise<Verdict>(() => {})],
    ['throws', () => assert.fail('a bug')],
  ] as const) {
    for (const onFailure of ['pass', { defer: 'The filter is away, come again' }] as const) {
      const world = new World()
      const system = await homeWith(world, withRows(broken(kind, onFailure, message)))
      const beforeMs = world.clock.now()
      const last = (await says(world, 'hello')).at(-1)!
      assert.match(last, onFailure === 'pass' ? /^250 / : /^451 4\.7\.1 The filter is away, come again$/)
      const tookMs = world.clock.now() - beforeMs
      assert.ok(kind === 'hangs' ? tookMs >= 5000 && tookMs < 9000 : tookMs < 4000, `${tookMs}`)
      assert.equal((await messagesIn(system, alice)).length, onFailure === 'pass' ? 1 : 0)
      assert.equal(world.events.filter((event) => event.startsWith('warn check failed')).length, 1)
      await world.stop()
    }
  }
})

test('one that trusts a client skips those that it names, and no others', async () => {
  const world = new World()
  const asked: string[] = []
  const asks = (name: string): Check => ({
    ...{ name, speaksFor: 'all', onFailure: 'pass' },
    begin: () => ({ sender: () => void asked.push(name) }),
  })
  const trusts: Check = {
    ...{ name: 'partners', speaksFor: 'all', onFailure: 'pass' },
    begin: ({ peer }) =>
      peer.address === '198.51.100.7' ? { hello: () => ({ kind: 'trust', skips: ['greylist', 'spam'] }) } : undefined,
  }
  await homeWith(world, withRows(asks('virus'), trusts, asks('greylist'), asks('spam'), asks('archive')))
  await says(world, 'hello')
  assert.deepEqual(asked, ['virus', 'archive'])
  const other = await Typist.connect(world, address, 25, '203.0.113.1')
  await other.reply()
  await other.talk(['EHLO far.example', '250'], [`MAIL FROM:<${from}>`, '250'], ['QUIT', '221'])
  assert.deepEqual(asked.slice(2), ['virus', 'greylist', 'spam', 'archive'])
  await world.stop()
})

test('like a greylist: a triple that is new is to come again, and an address that does not exist is told at once', async () => {
  const world = new World()
  const since = new Map<string, number>()
  const greylist: Check = {
    ...{ name: 'greylist', speaksFor: 'unauthenticated', onFailure: 'pass' },
    begin() {
      let sender = ''
      return {
        sender: (_, path) => void (sender = path === null ? '' : `${path.localPart}@${path.domain}`),
        recipient({ peer }, { localPart }): Verdict {
          const triple = `${peer.address} ${sender} ${localPart}`
          const nowMs = world.clock.monotonic()
          const firstMs = since.get(triple) ?? nowMs
          since.set(triple, firstMs)
          if (nowMs - firstMs >= 60_000) return undefined
          return { kind: 'defer', status: { code: 450, enhanced: '4.7.1', text: 'Come again in a minute' } }
        },
      }
    },
  }
  const system = await homeWith(world, withRows(greylist))
  assert.deepEqual(codes(await says(world, 'hello', [alice, 'none@a.example'])), ['250', '250', '450', '550'])
  await world.clock.pass(61_000)
  assert.equal((await says(world, 'hello')).at(-1)!.slice(0, 3), '250')
  assert.equal((await messagesIn(system, alice)).length, 1)
  await world.stop()
})

test('a client that vanishes, at whatever point, ends each check once; a message whose last byte came is decided all the same', async () => {
  const lines = [
    'EHLO far.example\r\n',
    `MAIL FROM:<${from}>\r\n`,
    `RCPT TO:<${alice}>\r\n`,
    'DATA\r\n',
    `${text('x')}.\r\n`,
  ]
  for (let said = 0; said <= lines.length; said++) {
    const world = new World()
    let begun = 0
    let closed = 0
    const waits = (): Promise<Verdict> => new Promise((resolve) => world.clock.after(3000, () => resolve(undefined)))
    const slow: Check = {
      ...{ name: 'slow', speaksFor: 'all', limitMs: 10_000, onFailure: 'pass' },
      begin() {
        begun++
        return {
          hello: waits,
          sender: waits,
          recipient: waits,
          data: waits,
          message: waits,
          closed: () => void closed++,
        }
      },
    }
    const system = await homeWith(world, withRows(slow))
    const typist = await Typist.connect(world, address)
    await typist.reply()
    for (const line of lines.slice(0, said)) {
      typist.type(line)
      if (line !== lines[said - 1]) await typist.reply()
    }
    // In the middle of what the last line began.
    await world.clock.pass(1000)
    typist.hangUp()
    await world.clock.pass(60_000)
    assert.deepEqual([begun, closed], [1, 1], `after ${said} lines`)
    assert.equal((await messagesIn(system, alice)).length, said === lines.length ? 1 : 0)
    await world.stop()
  }
})

test('a refusal that is not worth a trace leaves none', async () => {
  const world = new World()
  const flood: Check = {
    ...{ name: 'flood', speaksFor: 'all', onFailure: 'pass' },
    begin: () => ({
      sender: (_, path) =>
        path === null ? { kind: 'defer', status: status.tooManyMessages, untraced: true } : undefined,
      recipient: (_, { localPart }) =>
        localPart === 'bob'
          ? { kind: 'defer', status: status.tooManyRecipientsOfLate, untraced: true }
          : localPart === 'alice'
            ? { kind: 'defer', status: status.tooManyRecipientsOfLate }
            : undefined,
      message: () => ({ kind: 'refuse', status: status.relayDenied, untraced: true }),
    }),
  }
  const { store } = await homeWith(world, withRows(flood))
  await store.commit([{ kind: 'aliasSet', address: 'postmaster@a.example', targets: [alice] }])
  const typist = await Typist.connect(world, address)
  await typist.reply()
  const told = async (...lines: string[]): Promise<number> => {
    world.events.length = 0
    for (const line of lines) await typist.say(line)
    return world.events.filter((event) => event.startsWith('info message refused')).length
  }
  assert.equal(await told('EHLO far.example', 'MAIL FROM:<>', 'MAIL FROM:<>'), 0)
  assert.equal(await told(`MAIL FROM:<${from}>`, `RCPT TO:<${bob}>`, 'RSET'), 0)
  assert.equal(await told(`MAIL FROM:<${from}>`, `RCPT TO:<${alice}>`, 'RSET'), 1)
  const whole = [`MAIL FROM:<${from}>`, 'RCPT TO:<postmaster>', 'DATA', `${text('hello')}.`]
  assert.equal(await told(...whole), 0)
  await world.stop()
})

test('limits by network are such refusals', async () => {
  const world = new World()
  const smtp = { ...defaultConfig().smtp, messageRatePerMinute: 1, recipientRatePerMinute: 2 }
  const site = { hostname: 'mx.a.example', address, domains: ['a.example'], mailboxes: [alice], config: { smtp } }
  await world.start(site)
  const typist = await Typist.connect(world, address, 25, '203.0.113.1')
  await typist.reply()
  await typist.talk(
    ['EHLO far.example', '250'],
    [`MAIL FROM:<${from}>`, '250'],
    [`RCPT TO:<${alice}>`, '250'],
    [`RCPT TO:<${alice}>`, '250'],
    [`RCPT TO:<${alice}>`, '450 4.7.1 Too many recipients from your network'],
    ['DATA', '354'],
    [`${text('hello')}.`, '250'],
    [`MAIL FROM:<${from}>`, '450 4.7.1 Too many messages from your network'],
  )
  await world.clock.pass(1000)
  assert.deepEqual(
    world.events.filter((event) => event.includes('refused')),
    [],
  )
  await world.stop()
})

test('bounces of our own are not checked', async () => {
  const world = new World()
  const senders: unknown[] = []
  const counts: Check = {
    ...{ name: 'counts', speaksFor: 'all', onFailure: 'pass' },
    begin: () => ({
      sender: (_, path) => void senders.push(path?.localPart),
      message: (_, message: CheckedMessage) => void senders.push(message.recipients.length),
    }),
  }
  const system = await homeWith(world, withRows(counts))
  await system.store.commit([{ kind: 'aliasSet', address: 'list@a.example', targets: ['x@none.example'] }])
  assert.deepEqual(await world.send(system, alice, ['list@a.example'], text('hello')), [250])
  await world.clock.pass(3_600_000)
  assert.equal((await messagesIn(system, alice)).length, 1)
  assert.deepEqual(senders, ['alice', 1])
  await world.stop()
})
