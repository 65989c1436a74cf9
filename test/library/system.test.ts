/** `pennypost`: the whole system inside a program, as its users start, ask and end it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError, createSystem, type RunningSystem } from '../../src/embed/index.ts'
import {
  connectSmtp,
  sendMail,
  SmtpRecipientsFault,
  SmtpRefusal,
  SmtpReplyFault,
} from '../../src/library/smtp/index.ts'

const password = 'correct horse'
const bob = 'bob@example.org'
const accounts = { [bob]: password }

const over = (system: RunningSystem) => ({ host: '127.0.0.1', port: system.port('smtp'), tls: 'none' }) as const
const send = (system: RunningSystem, subject: string, to = bob) =>
  sendMail(over(system), { from: 'anne@example.com', to, subject, text: 'x' })

async function subjects(system: RunningSystem, address = bob): Promise<(string | undefined)[]> {
  const found = await system.messages(address)
  return Promise.all(found.map(async (one) => (await one.parse()).subject))
}

function refused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => (socket.destroy(), resolve(false)))
    socket.on('error', () => resolve(true))
  })
}

test('every service listens on a free port, two systems side by side, and stop leaves nothing', async () => {
  const [one, two] = await Promise.all([createSystem(), createSystem()])
  const ports = [...one.listening, ...two.listening].map(({ port }) => port)
  assert.equal(new Set(ports).size, ports.length)
  for (const service of ['smtp', 'submission', 'lmtp', 'imap', 'imaps', 'pop3', 'http'] as const)
    assert.ok(one.port(service) > 0)
  assert.throws(() => one.port('managesieve'), { name: 'RangeError', message: 'nothing listens for managesieve' })
  await Promise.all([one.stop(), one.stop(), two.stop()])
  assert.equal(await one.ended, undefined)
  assert.deepEqual(
    await Promise.all(ports.map(refused)),
    ports.map(() => true),
  )
})

test('what was answered with 250 is in the list at once, in a folder too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-embed-'))
  try {
    for (const data of [':memory:', join(folder, 'data')]) {
      const system = await createSystem({ data }, { accounts })
      for (let count = 1; count <= 20; count += 1) {
        await send(system, `message ${count}`)
        assert.equal((await system.messages(bob)).length, count)
      }
      const [first] = await system.messages(bob)
      const bytes = await first!.bytes()
      assert.equal(bytes.length, first!.sizeBytes)
      assert.match(Buffer.from(bytes).toString(), /^Return-Path: <anne@example\.com>\r\n[^]*Subject: message 1\r\n/)
      assert.ok(Math.abs(first!.receivedAtMs - Date.now()) < 60_000)
      await system.removeMessages(bob)
      assert.deepEqual(await subjects(system), [])
      await assert.rejects(first!.bytes(), /message 1 is not there any more/)
      await system.removeMessages(bob)
      await system.stop()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('waiting: for what is there, for what comes, in vain, and beyond the end', async () => {
  const system = await createSystem({}, { accounts })
  const coming = system.waitForMessage(bob, { where: ({ subject }) => subject === 'two' })
  await send(system, 'one')
  assert.equal((await (await system.waitForMessage(bob)).parse()).subject, 'one')
  await send(system, 'two')
  assert.equal((await coming).uid, 2)
  await assert.rejects(system.waitForMessage(bob, { mailbox: 'Sent', timeoutMs: 1 }), {
    message: `no such message came to ${bob} in 1 ms`,
  })
  const fault = new Error('of the caller')
  const throwing = { where: (): boolean => { throw fault } } // prettier-ignore
  await assert.rejects(system.waitForMessage(bob, throwing), fault)
  await assert.rejects(system.waitForMessage('eve@example.org'), { message: 'there is no account eve@example.org' })
  await assert.rejects(system.messages(bob, 'Nowhere'), { message: `${bob} has no mailbox Nowhere` })
  const late = assert.rejects(system.waitForMessage(bob, { mailbox: 'Sent', timeoutMs: 60_000 }), {
    message: 'the system has stopped',
  })
  await system.stop()
  await late
})

test('accounts: only those that were asked for; strangers, short passwords and doubles are told', async () => {
  const system = await createSystem({ domains: ['example.org'] })
  await assert.rejects(send(system, 'x', 'admin@example.org'), SmtpRecipientsFault)
  await assert.rejects(system.addAccount(bob, 'short'), /at least 8 characters/)
  await assert.rejects(system.addAccount('bob', password), /"bob" is not a mail address/)
  await system.addAccount(bob, password)
  await assert.rejects(system.addAccount(bob, password))
  await send(system, 'x')
  assert.deepEqual(await subjects(system), ['x'])
  await system.stop()
})

test('outgoing takes all that would leave, and its refusal is a bounce', async () => {
  const left: string[] = []
  const system = await createSystem(
    { trustedNetworks: ['127.0.0.0/8'] },
    {
      accounts,
      outgoing({ envelope }) {
        const [recipient] = envelope.recipients
        left.push(recipient!.address)
        if (recipient!.address.startsWith('no')) throw new SmtpRefusal(550, '5.1.1', 'No such user here')
      },
    },
  )
  await sendMail(over(system), { from: bob, to: 'no@example.net', text: 'x' })
  const bounce = await (await system.waitForMessage(bob)).parse()
  assert.match(bounce.plainText ?? '', /No such user here/)
  assert.deepEqual(left, ['no@example.net'])
  await system.stop()
})

test('what is wrong is told, and nothing is left running', async () => {
  const says = (message: string, ...args: unknown[]): Promise<void> =>
    assert.rejects(createSystem(...(args as [])), { name: 'TypeError', message })
  await says('createSystem: the configuration must be text or an object, not a number'.replace('a number', '1'), 1)
  await says('createSystem: unknown option account: did you mean accounts?', {}, { account: {} })
  await says('createSystem: accounts["a@b.example"] must be text, not 1', {}, { accounts: { 'a@b.example': 1 } })
  await says('createSystem: unknown option data: write it in the configuration, the first argument', {}, { data: 'x' })
  await assert.rejects(createSystem({ hostnam: 'mx.example.org' }), (error) => {
    assert.ok(error instanceof ConfigError)
    assert.match(error.message, /hostnam/)
    assert.equal(error.faults.length, 1)
    return true
  })
  // A port that is taken: what was bound before is given back, that of `outgoing` too.
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const { port } = taken.address() as AddressInfo
  const listener = [{ service: 'smtp', address: `127.0.0.1:${port}` }]
  await assert.rejects(createSystem({ listener }, { outgoing() {} }), { code: 'EADDRINUSE' })
  await new Promise((resolve) => taken.close(resolve))
  // An account that cannot be made ends what runs already.
  await assert.rejects(createSystem({ listener }, { accounts: { [bob]: 'short' } }), /at least 8 characters/)
  assert.equal(await refused(port), true)
})

test('TOML text, and a log that is asked for', async () => {
  const events: string[] = []
  const note = (event: string): void => void events.push(event)
  const log = { debug: note, info: note, warn: note, error: note }
  const toml = '[[listener]]\nservice = "submission"\naddress = "127.0.0.1:0"\nplaintextAuth = true\n'
  const system = await createSystem(toml, { log, accounts })
  assert.deepEqual(
    system.listening.map(({ service }) => service),
    ['submission'],
  )
  const port = system.port('submission')
  const auth = { username: bob, password: 'a wrong one' }
  await assert.rejects(connectSmtp({ host: '127.0.0.1', port, tls: 'none', auth }), SmtpReplyFault)
  assert.ok(events.includes('sign-in failed'), events.join())
  await system.stop()
})
