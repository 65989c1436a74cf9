import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SessionHost } from '../action.ts'
import { commandTable } from '../command.ts'
import { capa } from './commands/capa.ts'
import { lang } from './commands/lang.ts'
import { quit } from './commands/quit.ts'
import { Pop3Session } from './session.ts'

const host: SessionHost = {
  peer: { address: '192.0.2.1', port: 1, localAddress: '192.0.2.2', localPort: 110 },
  tls: null,
  wake() {},
}

test('a session offers what is in the table that it was handed, and does no more', () => {
  const options = { hostname: 'x.example', startTls: true, plaintextAuth: true, mechanisms: [], loginDelaySeconds: 0 }
  const backend = { open: () => Promise.reject(new Error('no sign-in here')) }
  const authenticator = { verifyPassword: async () => null }
  const session = new Pop3Session({ ...options, backend, authenticator }, commandTable([capa, lang, quit]))
  session.start(host)
  const say = (line: string): string => {
    session.receive(Buffer.from(line))
    const action = session.next()
    assert.ok(action.kind === 'write')
    return Buffer.from(action.bytes).toString()
  }
  assert.match(say(''), /^\+OK x\.example /)
  assert.match(say('CAPA\r\n'), /\r\nLANG\r\n/)
  assert.doesNotMatch(say('CAPA\r\n'), /\r\n(?:USER|STLS|UIDL|TOP)\r\n/)
  assert.equal(say('STLS\r\n'), '-ERR Unknown command\r\n')
})
