/** What an operator's log and figures tell of messages: a line a message and outcome. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SmtpClient } from '../../src/protocol/smtp/client.ts'
import type { System } from '../../src/system/types.ts'
import { Peer } from './peer.ts'
import { bytesOfText, World } from './world.ts'

const home = { hostname: 'mx.a.example', address: '10.0.0.1', domains: ['a.example'], mailboxes: ['alice@a.example'] }
const away = { hostname: 'mx.b.example', address: '10.0.0.2', domains: ['b.example'], mailboxes: ['bob@b.example'] }
const text = 'From: eve@c.example\nSubject: Hello\nMessage-ID: <1@c.example>\n\nHello\n'

async function send(world: World, to: System, recipients: readonly string[]): Promise<readonly number[]> {
  const client = await world.connect(to)
  const envelope = { reversePath: 'eve@c.example', recipients, body: '7bit' as const, smtpUtf8: false }
  const told: Awaited<ReturnType<SmtpClient['send']>> = await world.clock.until(
    client.send(envelope, bytesOfText(text)),
  )
  await world.clock.until(client.quit())
  return told.recipients.map(({ code }) => code)
}

/** The facts of the lines of an event, oldest first. */
function lines(world: World, event: string): Record<string, unknown>[] {
  const start = `info ${event} `
  return world.events
    .filter((line) => line.startsWith(`${start}{`))
    .map((line) => JSON.parse(line.slice(start.length)) as Record<string, unknown>)
}

test('what is filed, relayed, deferred, bounced and refused is a line each, with one id from arrival to end', async () => {
  const world = new World()
  const a = await world.start(home)
  await world.start(away)
  for (const [name, target] of [
    ['bob', 'bob@b.example'],
    ['none', 'none@b.example'],
    ['dead', 'x@dead.example'],
  ])
    await a.store.commit([{ kind: 'aliasSet', address: `${name}@a.example`, targets: [target!] }])
  world.zone.names.set('dead.example', { mx: [{ preference: 10, exchange: 'mx.dead.example' }] })
  world.zone.names.set('mx.dead.example', { addresses: ['10.0.0.9'] })
  assert.deepEqual(
    await send(world, a, [
      'alice@a.example',
      'bob@a.example',
      'none@a.example',
      'dead@a.example',
      'nobody@a.example',
      'x@elsewhere.example',
    ]),
    [250, 250, 250, 250, 550, 550],
  )
  await world.clock.pass(60_000)
  // The other system of this world logs into the same events: ours is the one that eve spoke to.
  const [received] = lines(world, 'message received').filter(({ peer }) => peer === '198.51.100.7')
  const { id, delayMs, sizeBytes, connection, ...told } = received!
  assert.deepEqual(told, {
    service: 'smtp',
    peer: '198.51.100.7',
    from: 'eve@c.example',
    to: ['alice@a.example', 'bob@a.example', 'none@a.example', 'dead@a.example'],
    messageId: '1@c.example',
    filed: 1,
    queued: 3,
    refused: 2,
  })
  assert.ok(Number(sizeBytes) > 50 && Number(delayMs) >= 0 && typeof connection === 'string')
  const ofOurs = (event: string) => lines(world, event).filter((line) => line['id'] === id)
  const [relayed, ...more] = ofOurs('relayed')
  assert.deepEqual(more, [])
  assert.deepEqual([relayed!['to'], relayed!['recipients']], [['bob@b.example'], 1])
  assert.match(String(relayed!['host']), /^mx\.b\.example/)
  assert.match(String(relayed!['reply']), /^250 /)
  const [bounced] = ofOurs('bounced')
  assert.deepEqual(bounced!['to'], ['none@b.example'])
  assert.match(String(bounced!['reply']), /550/)
  const [deferred] = ofOurs('deferred')
  assert.deepEqual(deferred!['to'], ['x@dead.example'])
  const [bounce] = lines(world, 'bounce sent')
  assert.deepEqual([bounce!['about'], bounce!['to']], [id, 'eve@c.example'])
  await world.stop()
})

test('a message that is refused as a whole says why, and whom it was for', async () => {
  const world = new World()
  const a = await world.start(home)
  assert.deepEqual(await send(world, a, ['nobody@a.example', 'nil@a.example']), [550, 550])
  const [refused] = lines(world, 'message refused')
  assert.deepEqual(refused!['to'], ['nobody@a.example', 'nil@a.example'])
  assert.match(String(refused!['reply']), /^550 5\.1\.1 /)
  await world.stop()
})

test('a list of a hundred with one outcome is one line that names a few and counts all', async () => {
  const world = new World()
  const a = await world.start(home)
  await world.start({ ...away, mailboxes: Array.from({ length: 100 }, (_, i) => `m${i}@b.example`) })
  await a.store.commit([
    { kind: 'aliasSet', address: 'list@a.example', targets: Array.from({ length: 100 }, (_, i) => `m${i}@b.example`) },
  ])
  assert.deepEqual(await send(world, a, ['list@a.example']), [250])
  await world.clock.pass(60_000)
  const relayed = lines(world, 'relayed')
  const counted = relayed.reduce((sum, line) => sum + Number(line['recipients']), 0)
  assert.equal(counted, 100)
  assert.ok(relayed.length <= 20, `${relayed.length} lines`)
  for (const line of relayed) assert.ok((line['to'] as string[]).length <= 5)
  await world.stop()
})

test('a host that only defers: each attempt is told, and the end once more, even where nobody is told by mail', async () => {
  const world = new World()
  const a = await world.start({ ...home, transfer: { retryAfterMs: [60_000], queueLifetimeMs: 300_000 } })
  await Peer.start(world, {
    address: '10.0.0.2',
    hostname: 'mx.b.example',
    domains: ['b.example'],
    refuse: (stage) => (stage === 'rcpt' ? '451 4.7.1 Later' : undefined),
  })
  await a.store.commit([{ kind: 'aliasSet', address: 'bob@a.example', targets: ['bob@b.example'] }])
  assert.deepEqual(await send(world, a, ['bob@a.example']), [250])
  await world.clock.pass(600_000)
  assert.ok(lines(world, 'deferred').length >= 2)
  const [bounced, bounce] = lines(world, 'bounced')
  assert.deepEqual(bounced!['to'], ['bob@b.example'])
  assert.ok(Number(bounced!['delayMs']) >= 240_000)
  // The bounce itself has a null sender, and no place to go.
  assert.deepEqual(bounce!['to'], ['eve@c.example'])
  await world.stop()
})
