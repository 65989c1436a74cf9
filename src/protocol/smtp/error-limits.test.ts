import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorLimits } from './error-limits.ts'
import * as limits from './limits.ts'
import { smtpDefaults } from './policy.ts'

const policy = { ...smtpDefaults, errorsMax: 5, tarpitAfterErrors: 2, tarpitDelayMs: 1000 }
const words = (reply: Uint8Array | undefined): string | undefined => reply && Buffer.from(reply).toString().trimEnd()

test('so many errors end the connection, and each beyond some makes the next refusal wait longer', () => {
  const errorLimits = new ErrorLimits(policy)
  const delays: number[] = []
  const said: (string | undefined)[] = []
  for (let n = 0; n < 5; n++) {
    said.push(words(errorLimits.bad()))
    delays.push(errorLimits.delayMs)
  }
  assert.deepEqual(delays, [0, 0, 1000, 2000, 3000])
  assert.deepEqual(said, [undefined, undefined, undefined, undefined, '421 4.7.0 Too many errors, closing connection'])
  for (let n = 0; n < 1000; n++) errorLimits.bad()
  assert.equal(errorLimits.delayMs, limits.tarpitDelayMaxMs)
})

test('so many failed sign-ins end the connection', () => {
  const errorLimits = new ErrorLimits(policy)
  for (let n = 1; n < limits.authFailuresMax; n++) assert.equal(errorLimits.failedSignIn(), undefined)
  assert.equal(words(errorLimits.failedSignIn()), '421 4.7.0 Too many failed authentications')
})

test('so many commands without a message end the connection; a transaction begins the count anew', () => {
  const errorLimits = new ErrorLimits(policy)
  const talk = (count: number): (string | undefined)[] =>
    Array.from({ length: count }, () => words(errorLimits.said('NOOP')))
  assert.ok(talk(limits.idleCommandsMax).every((reply) => reply === undefined))
  // A verb that leads to a message counts for nothing.
  assert.equal(errorLimits.said('RCPT'), undefined)
  errorLimits.said('MAIL')
  assert.ok(talk(limits.idleCommandsMax).every((reply) => reply === undefined))
  assert.equal(words(errorLimits.said('EHLO')), '421 4.7.0 Too many commands without a message')
})
