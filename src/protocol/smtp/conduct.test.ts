import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Conduct } from './conduct.ts'
import * as limits from './limits.ts'
import { smtpDefaults } from './policy.ts'

const policy = { ...smtpDefaults, errorsMax: 5, tarpitAfterErrors: 2, tarpitDelayMs: 1000 }
const words = (reply: Uint8Array | undefined): string | undefined => reply && Buffer.from(reply).toString().trimEnd()

test('so many errors end the connection, and each beyond some makes the next refusal wait longer', () => {
  const conduct = new Conduct(policy)
  const delays: number[] = []
  const said: (string | undefined)[] = []
  for (let n = 0; n < 5; n++) {
    said.push(words(conduct.bad()))
    delays.push(conduct.delayMs)
  }
  assert.deepEqual(delays, [0, 0, 1000, 2000, 3000])
  assert.deepEqual(said, [undefined, undefined, undefined, undefined, '421 4.7.0 Too many errors, closing connection'])
  for (let n = 0; n < 1000; n++) conduct.bad()
  assert.equal(conduct.delayMs, limits.tarpitDelayMaxMs)
})

test('so many failed sign-ins end the connection', () => {
  const conduct = new Conduct(policy)
  for (let n = 1; n < limits.authFailuresMax; n++) assert.equal(conduct.failedSignIn(), undefined)
  assert.equal(words(conduct.failedSignIn()), '421 4.7.0 Too many failed authentications')
})

test('so many commands without a message end the connection; a transaction begins the count anew', () => {
  const conduct = new Conduct(policy)
  const talk = (count: number): (string | undefined)[] =>
    Array.from({ length: count }, () => words(conduct.said('NOOP')))
  assert.ok(talk(limits.idleCommandsMax).every((reply) => reply === undefined))
  // A verb that leads to a message counts for nothing.
  assert.equal(conduct.said('RCPT'), undefined)
  conduct.said('MAIL')
  assert.ok(talk(limits.idleCommandsMax).every((reply) => reply === undefined))
  assert.equal(words(conduct.said('EHLO')), '421 4.7.0 Too many commands without a message')
})
