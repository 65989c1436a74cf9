/** What senders are told of their messages, by their own wishes. RFC 3461, RFC 3464, RFC 6533. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageBytes } from '../../src/mail/content.ts'
import { readReport } from '../../src/mail/report/read-report.ts'
import type { DeliveryStatus } from '../../src/mail/report/delivery-status.ts'
import { readMessage } from '../../src/mail/view/read-message.ts'
import type { SmtpClient } from '../../src/protocol/smtp/client.ts'
import { openStore } from '../../src/store/sqlite/engine.ts'
import type { Store } from '../../src/store/store.ts'
import type { System } from '../../src/system/types.ts'
import { Process } from '../simulation/process.ts'
import { Peer } from './peer.ts'
import { bytesOfText, messagesIn, World } from './world.ts'

const home = { hostname: 'mx.a.example', address: '10.0.0.1', domains: ['a.example'], mailboxes: ['alice@a.example'] }
const away = { hostname: 'mx.b.example', address: '10.0.0.2', domains: ['b.example'], mailboxes: ['bob@b.example'] }
const text = 'From: alice@a.example\nSubject: Grüße\n\nHello\n'
const hour = 3_600_000

type Envelope = Parameters<SmtpClient['send']>[0]

async function submit(world: World, to: System, envelope: Partial<Envelope>, content = text): Promise<void> {
  const client = await world.connect(to)
  const whole = {
    reversePath: 'alice@a.example',
    recipients: [],
    body: '8bitmime' as const,
    smtpUtf8: false,
    ...envelope,
  }
  const { recipients } = await world.clock.until(client.send(whole, bytesOfText(content)))
  assert.deepEqual(
    recipients.map(({ code }) => code),
    recipients.map(() => 250),
  )
  await world.clock.until(client.quit())
}

/** A home whose aliases lead elsewhere: what comes for them is relayed. */
async function homeWith(world: World, aliases: Readonly<Record<string, string>>): Promise<System> {
  const system = await world.start(home)
  for (const [name, target] of Object.entries(aliases))
    await system.store.commit([{ kind: 'aliasSet', address: `${name}@a.example`, targets: [target] }])
  return system
}

/** A notice as a program reads it. */
function statusOf(notice: string): DeliveryStatus {
  const report = readReport(readMessage(Buffer.from(notice, 'latin1')))
  assert.ok(report?.kind === 'delivery')
  assert.ok(report.humanText!.includes('Reporter:'))
  assert.equal(report.original?.message.subject, 'Grüße')
  return report.status
}

test('a host that knows DSN is told the wishes, and tells of the delivery itself', async () => {
  const world = new World()
  const a = await homeWith(world, { bob: 'bob@b.example' })
  await world.start(away)
  const dsn = [{ notify: ['success'] as const, originalRecipient: 'rfc822;bob@a.example' }]
  await submit(world, a, { recipients: ['bob@a.example'], dsn, envelopeId: 'QQ+1' })
  await world.clock.pass(60_000)
  const notices = await messagesIn(a, 'alice@a.example')
  assert.equal(notices.length, 1)
  assert.match(notices[0]!, /\r\nReporting-MTA: dns; mx\.b\.example\r\nOriginal-Envelope-Id: QQ\+1\r\n/)
  assert.match(
    notices[0]!,
    /\r\nOriginal-Recipient: rfc822; bob@a\.example\r\nFinal-Recipient: rfc822; bob@b\.example\r\nAction: delivered\r\n/,
  )
  await world.stop()
})

test('NOTIFY=NEVER is heeded; without a wish a failure is told, with what to do', async () => {
  const world = new World()
  const a = await homeWith(world, { x: 'x@nowhere.example', y: 'y@nowhere.example' })
  await submit(world, a, { recipients: ['x@a.example', 'y@a.example'], dsn: [{ notify: ['never'] }, {}] })
  await world.clock.pass(60_000)
  const [notice, ...more] = await messagesIn(a, 'alice@a.example')
  assert.equal(more.length, 0)
  assert.match(notice!, /Final-Recipient: rfc822; y@nowhere\.example\r\n/)
  assert.doesNotMatch(notice!, /x@nowhere/)
  const { recipients, reportingMta } = statusOf(notice!)
  assert.deepEqual(reportingMta, { type: 'dns', value: 'mx.a.example' })
  assert.equal(recipients.length, 1)
  assert.deepEqual(recipients[0]!.finalRecipient, { type: 'rfc822', value: 'y@nowhere.example' })
  assert.equal(recipients[0]!.action, 'failed')
  assert.equal(recipients[0]!.diagnosticCode?.type, 'smtp')
  assert.match(notice!, /What to do: check the part after the @: that domain does not exist/)
  // Its subject is UTF-8, and stays that.
  assert.match(notice!, /Content-Type: message\/global-headers\r\nContent-Transfer-Encoding: 8bit\r\n/)
  assert.ok(Buffer.from(notice!, 'latin1').toString('utf8').includes('Subject: Grüße'))
  await world.stop()
})

test('an enhanced code of another class than the code is not passed on', async () => {
  const world = new World()
  const a = await homeWith(world, { full: 'full@b.example', odd: 'odd@b.example' })
  await Peer.start(world, {
    address: '10.0.0.9',
    hostname: 'mx.b.example',
    domains: ['b.example'],
    refuse: (stage, line) =>
      stage !== 'rcpt' ? undefined : line.includes('full') ? '550 5.2.2 mailbox full' : '550 4.2.2 mailbox full',
  })
  const content = 'From: alice@a.example\nSubject: Hello\n\nHello\n'
  await submit(world, a, { recipients: ['full@a.example', 'odd@a.example'], body: '7bit' }, content)
  await world.clock.pass(60_000)
  const notices = (await messagesIn(a, 'alice@a.example')).join('')
  assert.deepEqual(notices.match(/^(?:Action|Status|Diagnostic-Code): .*$/gm), [
    'Action: failed',
    'Status: 5.2.2',
    'Diagnostic-Code: smtp; 550 5.2.2 mailbox full',
    'Action: failed',
    'Status: 5.0.0',
    'Diagnostic-Code: smtp; 550 4.2.2 mailbox full',
  ])
  await world.stop()
})

test('RET=FULL brings the message back, RET=HDRS its header alone', async () => {
  const world = new World()
  const a = await homeWith(world, { x: 'x@nowhere.example' })
  for (const ret of ['full', 'hdrs'] as const) await submit(world, a, { recipients: ['x@a.example'], ret })
  await world.clock.pass(60_000)
  const [first, second] = (await messagesIn(a, 'alice@a.example')).sort((one, two) => two.length - one.length)
  assert.match(first!, /Content-Type: message\/global\r\n[^]*\r\n\r\nHello\r\n/)
  assert.doesNotMatch(second!, /Hello/)
  await world.stop()
})

test('RET=FULL brings back what lies on the disk, and is read from there when the notice is written', async () => {
  const world = new World()
  const { clock, log } = world
  const inner = await openStore({ folder: ':memory:', clock, log })
  // As on a disk: no bytes at once.
  const onDisk = (bytes: MessageBytes): MessageBytes => ({
    sizeBytes: bytes.sizeBytes,
    read: async (start, end) => bytes.read(start, end),
  })
  const read = new Proxy(inner.read, {
    get(reads, name) {
      const found: unknown = reads[name as keyof typeof reads]
      if (typeof found !== 'function') return found
      return (...given: unknown[]) => {
        const answer: unknown = found.apply(reads, given)
        if (name !== 'queuedContent') return answer
        return (answer as Promise<MessageBytes | undefined>).then((bytes) => bytes && onDisk(bytes))
      }
    },
  })
  const store: Store = { ...new Process().store(inner), read }
  const a = await world.start(home, undefined, store)
  await a.store.commit([{ kind: 'aliasSet', address: 'x@a.example', targets: ['x@nowhere.example'] }])
  // Too long to be kept in memory until it is sent.
  const long = `${text}${'Hello again\n'.repeat(10_000)}`
  await submit(world, a, { recipients: ['x@a.example'], ret: 'full' }, long)
  await world.clock.pass(60_000)
  const [notice] = await messagesIn(a, 'alice@a.example')
  assert.match(notice!, /Content-Type: message\/global\r\n[^]*\r\n\r\nHello\r\n(?:Hello again\r\n){10000}/)
  await world.stop()
})

test('a delay is told once, and not to whom did not ask for it', async () => {
  const world = new World()
  const a = await homeWith(world, { x: 'x@dead.example', y: 'y@dead.example' })
  world.zone.names.set('dead.example', { addresses: ['10.9.9.9'] })
  await submit(world, a, {
    recipients: ['x@a.example', 'y@a.example'],
    dsn: [{ notify: ['delay'] }, { notify: ['failure'] }],
  })
  await world.clock.pass(20 * hour)
  const notices = await messagesIn(a, 'alice@a.example')
  assert.equal(notices.length, 1)
  assert.match(notices[0]!, /Final-Recipient: rfc822; x@dead\.example\r\nAction: delayed\r\n/)
  assert.doesNotMatch(notices[0]!, /y@dead/)
  assert.match(notices[0]!, /It will be tried until Sat, 20 Jan 2024 12:00:00 \+0000\./)
  await world.stop()
})

test('an address in UTF-8 is told in UTF-8', async () => {
  const world = new World()
  const a = await homeWith(world, { x: 'jürgen@nowhere.example' })
  await submit(world, a, { recipients: ['x@a.example'], smtpUtf8: true })
  await world.clock.pass(60_000)
  const [notice] = await messagesIn(a, 'alice@a.example')
  const said = Buffer.from(notice!, 'latin1').toString('utf8')
  assert.match(said, /Content-Type: message\/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n/)
  assert.match(said, /Final-Recipient: utf-8; jürgen@nowhere\.example\r\n/)
  assert.deepEqual(statusOf(notice!).recipients[0]?.finalRecipient, { type: 'utf-8', value: 'jürgen@nowhere.example' })
  await world.stop()
})
