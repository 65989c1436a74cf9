/** Rights end when they are taken: open sessions of an account that is disabled, removed or has another password. */
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, beforeEach, test } from 'node:test'
import { askOwner } from '../../src/admin/owner.ts'
import { dialogue } from './dialogue.ts'
import { password, startReal, type RealSystem } from './real.ts'

const bob = 'bob@example.org'
const eve = 'eve@example.org'
const folder = mkdtempSync(join(tmpdir(), 'pennypost-rights-'))
let n = 0
let data: string
let system: RealSystem
const open: Socket[] = []

beforeEach(async () => {
  data = join(folder, String(n++))
  system = await startReal({ data, users: [bob, eve], plaintextAuth: true })
})
afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy()
  await system.stop()
})
after(() => rmSync(folder, { recursive: true, force: true }))

const plain = (user: string, secret: string): string => Buffer.from(`\0${user}\0${secret}`).toString('base64')

/** A session of each protocol, signed in, with what it hears from then on. */
async function signedIn(user: string, secret = password): Promise<{ service: string; ended: Promise<string> }[]> {
  const steps = {
    imap: [
      ['', /\* OK[^\r]*\r\n/],
      [`a LOGIN ${user} "${secret}"\r\n`, /a OK[^\r]*\r\n/],
    ],
    pop3: [
      ['', /\+OK[^\r]*\r\n/],
      [`USER ${user}\r\nPASS ${secret}\r\n`, /\+OK[^\r]*\r\n\+OK[^\r]*\r\n/],
    ],
    submission: [
      ['', /220[^\r]*\r\n/],
      ['EHLO there\r\n', /250 [^\r]*\r\n/],
      [`AUTH PLAIN ${plain(user, secret)}\r\n`, /235[^\r]*\r\n/],
    ],
  } as const
  const sessions = []
  for (const [service, lines] of Object.entries(steps)) {
    const socket = connect(system.port(service as 'imap'), '127.0.0.1')
    open.push(socket)
    await dialogue(socket, lines)
    const ended = new Promise<string>((resolve) => {
      let heard = ''
      socket.on('data', (chunk: Buffer) => void (heard += chunk.toString()))
      socket.once('close', () => resolve(heard))
      socket.on('error', () => {})
    })
    sessions.push({ service, ended })
  }
  return sessions
}

async function control(name: string, args: object): Promise<unknown> {
  return askOwner(data, name as 'sessionList', args)
}

async function allEnd(sessions: readonly { service: string; ended: Promise<string> }[]): Promise<void> {
  const said = Object.fromEntries(
    await Promise.all(sessions.map(async ({ service, ended }) => [service, await ended] as const)),
  )
  assert.match(said['imap']!, /\* BYE/)
  assert.match(said['submission']!, /^421 /m)
}

for (const [what, name, args] of [
  ['is disabled', 'accountSet', { name: bob, disabled: true }],
  ['is removed', 'accountRemove', { name: bob }],
  ['has another password', 'accountPassword', { name: bob, password: 'Another-one-9' }],
] as const) {
  test(`sessions of an account that ${what} end in every protocol; others go on`, async () => {
    const sessions = await signedIn(bob)
    const others = await signedIn(eve)
    let othersEnded = 0
    for (const { ended } of others) void ended.then(() => othersEnded++)
    await control(name, args)
    await allEnd(sessions)
    assert.equal(othersEnded, 0)
  })
}

test('a session by an app password ends when that is revoked, and not when another is', async () => {
  const { password: phone } = (await control('appPasswordAdd', { account: bob, name: 'Phone' })) as { password: string }
  await control('appPasswordAdd', { account: bob, name: 'Laptop' })
  const sessions = await signedIn(bob, phone)
  let ended = 0
  for (const one of sessions) void one.ended.then(() => ended++)
  await control('appPasswordRemove', { account: bob, name: 'Laptop' })
  await new Promise((resolve) => setTimeout(resolve, 1000))
  assert.equal(ended, 0)
  await control('appPasswordRemove', { account: bob, name: 'Phone' })
  await allEnd(sessions)
})

test('an operator sees sessions, and ends one, or all of an account', async () => {
  const sessions = await signedIn(bob)
  await signedIn(eve)
  const { rows } = (await control('sessionList', {})) as { rows: { id: string; account: string; service: string }[] }
  assert.deepEqual(
    rows.map(({ account, service }) => `${account} ${service}`),
    [bob, eve].flatMap((user) => ['imap', 'pop3', 'submission'].map((service) => `${user} ${service}`)),
  )
  await control('sessionEnd', { id: rows[1]!.id })
  assert.match(await sessions[1]!.ended, /^-ERR/)
  assert.deepEqual(await control('sessionEnd', { account: bob }), { ended: 2 })
  await allEnd([sessions[0]!, sessions[2]!])
  await assert.rejects(control('sessionEnd', { account: bob }), /There is no session of bob/)
  assert.equal(((await control('sessionList', { account: eve })) as { rows: unknown[] }).rows.length, 3)
})
