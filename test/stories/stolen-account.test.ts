/** An account that looks stolen is held and told of; what lock and unlock do. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accountWatchDefaults, type AccountWatchOptions } from '../../src/directory/account-watch.ts'
import { accountCommands } from '../../src/admin/control-accounts.ts'
import type { QueueRow } from '../../src/store/entities.ts'
import type { System } from '../../src/system/types.ts'
import { bytesOfText, messagesIn, password, World } from './world.ts'

const alice = 'alice@a.example'
const home = (accountWatch: Partial<AccountWatchOptions>) => ({
  hostname: 'mx.a.example',
  address: '10.0.0.1',
  domains: ['a.example'],
  mailboxes: ['postmaster@a.example', 'bob@a.example'],
  users: [alice],
  config: { accountWatch: { ...accountWatchDefaults, ...accountWatch } },
})
const away = {
  hostname: 'mx.b.example',
  address: '10.0.0.2',
  domains: ['b.example'],
  mailboxes: ['carol@b.example', 'dave@b.example'],
}

async function submit(world: World, to: System, recipients: readonly string[]): Promise<readonly number[]> {
  const client = await world.connect(to, 587)
  await world.clock.until(client.startTls({ serverName: 'mx.a.example', verify: 'none' }))
  await world.clock.outside(client.authenticate(alice, password))
  const envelope = { reversePath: alice, recipients, body: '7bit' as const, smtpUtf8: false }
  const told = await world.clock.until(client.send(envelope, bytesOfText(`From: ${alice}\nSubject: x\n\nHello\n`)))
  await world.clock.until(client.quit())
  return told.recipients.map(({ code }) => code)
}

async function queued(system: System): Promise<readonly QueueRow[]> {
  return await system.store.read.queue(0, 1000)
}

const restrict = async (world: World, { store }: System, restriction: string) =>
  accountCommands.accountRestrict.run({ store, clock: world.clock }, { name: alice, restriction })

test('beyond its recipients in an hour an account is held: accepted, kept in the queue, and the postmaster told', async () => {
  const world = new World()
  const a = await world.start(home({ recipientsPerHour: 2 }))
  const b = await world.start(away)
  assert.deepEqual(await submit(world, a, ['carol@b.example', 'dave@b.example']), [250, 250])
  await world.clock.pass(60_000)
  assert.equal((await messagesIn(b, 'carol@b.example')).length, 1)
  assert.deepEqual(await submit(world, a, ['carol@b.example', 'bob@a.example']), [250, 250])
  await world.clock.pass(60_000)
  assert.deepEqual(
    (await queued(a)).map(({ address, state }) => [address, state]),
    [
      ['carol@b.example', 'held'],
      ['bob@a.example', 'held'],
    ],
  )
  assert.equal((await messagesIn(b, 'carol@b.example')).length, 1)
  const [told, ...more] = await messagesIn(a, 'postmaster@a.example')
  assert.equal(more.length, 0)
  assert.match(told!, /\r\nSubject: alice@a\.example looks stolen\r\n/)
  assert.match(told!, /has written to 4 recipients within an hour/)
  assert.match(told!, /pennypost account lock alice@a\.example/)
  assert.ok(world.events.some((event) => /^error an account looks stolen .*"reason":"recipients"/.test(event)))
  // The next hour is no better: it is held until somebody has looked.
  await world.clock.pass(2 * 3_600_000)
  await submit(world, a, ['dave@b.example'])
  await world.clock.pass(60_000)
  assert.equal((await queued(a)).filter(({ state }) => state === 'held').length, 3)
  const done = await restrict(world, a, 'none')
  assert.deepEqual(done, { name: alice, restriction: 'none', held: 3 })
  await submit(world, a, ['dave@b.example'])
  await world.clock.pass(60_000)
  assert.equal((await messagesIn(b, 'dave@b.example')).length, 2)
  await world.stop()
})

test('with "note" it is told of, and its mail goes', async () => {
  const world = new World()
  const a = await world.start(home({ recipientsPerHour: 1, action: 'note' }))
  const b = await world.start(away)
  await submit(world, a, ['carol@b.example', 'dave@b.example'])
  await world.clock.pass(60_000)
  assert.equal((await messagesIn(b, 'dave@b.example')).length, 1)
  assert.match((await messagesIn(a, 'postmaster@a.example'))[0]!, /Nothing was done about it/)
  await world.stop()
})

test('recipients that do not exist are counted by our own word and by that of their hosts', async () => {
  const world = new World()
  const a = await world.start(home({ unknownPerHour: 3 }))
  await world.start(away)
  assert.deepEqual(await submit(world, a, ['no1@a.example', 'no2@a.example', 'bob@a.example']), [550, 550, 250])
  await submit(world, a, ['no3@b.example'])
  await world.clock.pass(60_000)
  assert.equal((await a.store.read.account(alice))!.restriction, 'none')
  await submit(world, a, ['no4@b.example'])
  await world.clock.pass(60_000)
  assert.equal((await a.store.read.account(alice))!.restriction, 'held')
  assert.match((await messagesIn(a, 'postmaster@a.example'))[0]!, /4 recipients within an hour that do not exist/)
  await world.stop()
})

test('a locked account cannot sign in and sends nothing, its session ends, its mail still comes in', async () => {
  const world = new World()
  const a = await world.start(home({}))
  // Its host does not exist yet: what was accepted waits.
  world.zone.names.set('b.example', { mx: [{ preference: 10, exchange: 'mx.b.example' }] })
  world.zone.names.set('mx.b.example', { addresses: ['10.0.0.2'] })
  await submit(world, a, ['carol@b.example'])
  await world.clock.pass(1000)
  const open = await world.connect(a, 587)
  await world.clock.until(open.startTls({ serverName: 'mx.a.example', verify: 'none' }))
  await world.clock.outside(open.authenticate(alice, password))
  const done = await restrict(world, a, 'locked')
  assert.deepEqual(done, { name: alice, restriction: 'locked', held: 1 })
  assert.deepEqual(
    (await queued(a)).map(({ state }) => state),
    ['held'],
  )
  await world.clock.pass(2000)
  const late = open.send(
    { reversePath: alice, recipients: ['bob@a.example'], body: '7bit', smtpUtf8: false },
    bytesOfText('x: y\n\n'),
  )
  await assert.rejects(world.clock.until(late))
  await assert.rejects(submit(world, a, ['bob@a.example']), /535/)
  assert.ok(world.events.some((event) => /^info sign-in failed .*"reason":"locked"/.test(event)))
  const stranger = await world.connect(a)
  const envelope = { reversePath: 'eve@c.example', recipients: [alice], body: '7bit' as const, smtpUtf8: false }
  const { recipients } = await world.clock.until(stranger.send(envelope, bytesOfText('Subject: in\n\nHello\n')))
  assert.deepEqual(
    recipients.map(({ code }) => code),
    [250],
  )
  assert.equal((await messagesIn(a, alice)).length, 1)
  await restrict(world, a, 'none')
  assert.deepEqual(await submit(world, a, ['bob@a.example']), [250])
  await world.stop()
})

test('disabled stays disabled, and an unknown restriction is refused', async () => {
  const world = new World()
  const a = await world.start(home({}))
  await assert.rejects(restrict(world, a, 'grounded'), /use none, held, locked/)
  await a.store.commit([{ kind: 'accountSet', name: alice, disabled: true }])
  await restrict(world, a, 'none')
  assert.equal((await a.store.read.account(alice))!.disabled, true)
  await world.stop()
})
