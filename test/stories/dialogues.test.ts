/** log.level = "debug": what was said in each session, without secrets and without messages. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import type { LogFacts } from '../../src/base/log.ts'
import { silentLog } from '../../src/base/log.ts'
import { password, startReal, type RealSystem } from './real.ts'

const user = 'alice@a.example'
const secret = (text: string): string => Buffer.from(text).toString('base64')

/** Says each line when the answer to the last one is there. */
async function talk(
  real: RealSystem,
  service: 'smtp' | 'submissions' | 'imaps' | 'pop3s',
  lines: readonly string[],
): Promise<void> {
  const port = real.port(service)
  const socket =
    service === 'smtp' ? connect(port, '127.0.0.1') : connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
  const read = async (): Promise<void> => {
    for (;;) {
      const chunk = (socket.read() as Buffer | null)?.toString('latin1')
      if (chunk !== undefined) return
      await new Promise<void>((readable) => socket.once('readable', () => readable()))
      if (socket.readableEnded) return
    }
  }
  await read()
  for (const line of lines) {
    socket.write(`${line}\r\n`)
    await read()
  }
  socket.destroy()
}

test('every session tells its dialogue at debug, and none tells a secret or a message', async (t) => {
  const told: LogFacts[] = []
  const log = {
    ...silentLog,
    verbose: true,
    debug: (event: string, facts: LogFacts = {}) => void (event === 'dialogue' && told.push(facts)),
  }
  const real = await startReal({ users: [user], log })
  t.after(() => real.stop())
  const letter = 'Subject: hush\r\n\r\nburied treasure\r\n.'
  await talk(real, 'smtp', [
    'EHLO c.example',
    'MAIL FROM:<eve@c.example>',
    `RCPT TO:<${user}>`,
    'DATA',
    letter,
    'XYZZY',
    'QUIT',
  ])
  await talk(real, 'submissions', ['EHLO c.example', `AUTH PLAIN ${secret(`\0${user}\0${password}`)}`, 'QUIT'])
  await talk(real, 'submissions', ['EHLO c.example', 'AUTH LOGIN', secret(user), secret(password), 'QUIT'])
  await talk(real, 'pop3s', [`USER ${user}`, `PASS ${password}`, 'RETR 1', 'QUIT'])
  await talk(real, 'imaps', [`a LOGIN ${user} "${password}"`, 'b SELECT INBOX', 'c FETCH 1 BODY[]', 'd LOGOUT'])
  await talk(real, 'imaps', [`a LOGIN {${user.length}+}\r\n${user} {${password.length}+}\r\n${password}`, 'd LOGOUT'])
  await talk(real, 'imaps', [`a AUTHENTICATE PLAIN ${secret(`\0${user}\0${password}`)}`, 'd LOGOUT'])
  // Clients that spell it wrongly: what is no command is not told at all.
  const wrong = [
    `LOGIN ${user} ${password}`,
    `a  LOGIN ${user} "${password}"`,
    `b LOGON ${user} "${password}"`,
    `c login ${user} "${password}" x`,
  ]
  await talk(real, 'imaps', [...wrong, 'd LOGOUT'])
  await talk(real, 'pop3s', [`PASS  ${password}`, `pass ${password}`, `APOP ${user} ${password}`, 'QUIT'])
  const encoded = secret(`\0${user}\0${password}`)
  await talk(real, 'submissions', ['EHLO c.example', `AUTH  PLAIN ${encoded}`, `AUTHPLAIN ${encoded}`, encoded, 'QUIT'])
  const lines = told.map(
    ({ service, client, server }) =>
      `${String(service)} ${client === undefined ? `S: ${String(server)}` : `C: ${String(client)}`}`,
  )
  const all = lines.join('\n')
  for (const words of [password, secret(password), secret(`\0${user}\0${password}`), 'treasure', 'hush'])
    assert.ok(!all.includes(words), `${words} in\n${all}`)
  for (const line of [
    /^smtp S: 220 localhost ESMTP Pennypost$/m,
    /^smtp C: EHLO c\.example$/m,
    /^smtp C: RCPT TO:<alice@a\.example>$/m,
    /^smtp S: 354 /m,
    /^smtp S: 250 2\.0\.0 Ok, accepted as /m,
    /^smtp S: 500 5\.5\.1 Unknown command$/m,
    /^submissions C: AUTH PLAIN \(a SASL response\)$/m,
    /^submissions S: 235 /m,
    /^submissions C: \(a SASL response\)$/m,
    /^submissions S: 334 \(a SASL challenge\)$/m,
    /^pop3s C: PASS \(a password\)$/m,
    /^pop3s C: RETR 1$/m,
    /^pop3s S: \+OK/m,
    /^imaps C: a LOGIN \(a name and a password\)$/m,
    /^imaps C: a AUTHENTICATE PLAIN \(a SASL response\)$/m,
    /^imaps C: b SELECT INBOX$/m,
    /^imaps S: b OK .*SELECT/m,
    /^imaps S: c OK FETCH completed$/m,
  ])
    assert.match(all, line)
  for (const { connection, peer } of told) assert.ok(typeof connection === 'string' && peer === '127.0.0.1')
})

test('our own client tells what it says and hears, without its password', async (t) => {
  const told: string[] = []
  const log = {
    ...silentLog,
    verbose: true,
    debug: (event: string, facts: LogFacts = {}) => {
      if (event === 'dialogue')
        told.push(facts['client'] === undefined ? `S: ${String(facts['server'])}` : `C: ${String(facts['client'])}`)
    },
  }
  const real = await startReal({ users: [user] })
  t.after(() => real.stop())
  const { SmtpClient } = await import('../../src/protocol/smtp/client.ts')
  const { realNetwork } = await import('../../src/platform/real/network.ts')
  const { realClock } = await import('../../src/platform/real/clock.ts')
  const { Wheel } = await import('../../src/base/wheel.ts')
  for (const mechanism of ['SCRAM', 'PLAIN']) {
    const client = await SmtpClient.connect({
      network: realNetwork,
      clock: realClock,
      wheel: new Wheel(realClock),
      log,
      address: '127.0.0.1',
      port: real.port('submissions'),
      connectTimeoutMs: 5000,
      hostname: 'client.example',
      tls: { serverName: 'localhost', verify: 'none' },
    })
    if (mechanism === 'PLAIN') {
      const offered = client.extensions as Map<string, string>
      offered.set('AUTH', 'PLAIN')
    }
    await client.authenticate(user, password)
    await client.quit()
  }
  const all = told.join('\n')
  assert.ok(!all.includes(password) && !all.includes(secret(`\0${user}\0${password}`)), all)
  assert.match(all, /^S: 220 localhost/m)
  assert.match(all, /^C: EHLO client\.example$/m)
  assert.match(all, /^C: AUTH SCRAM-SHA-256\S* \(a SASL response\)$/m)
  assert.match(all, /^C: AUTH PLAIN \(a SASL response\)$/m)
  assert.match(all, /^C: \(a SASL response\)$/m)
  assert.match(all, /^S: 235 /m)
  assert.match(all, /^C: QUIT$/m)
})
