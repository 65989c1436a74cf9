/** The users of the RFCs' examples: RFC 7677 §3 with its salt and nonce, RFC 4954 §4.1 and RFC 5034 §6. `busy` cannot be told now. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { Refusal, status } from '../../src/mail/status.ts'
import type { Authenticated } from '../../src/protocol/sasl/authenticator.ts'
import type { SaslMechanism } from '../../src/protocol/sasl/mechanism.ts'
import { login, plain } from '../../src/protocol/sasl/mechanisms.ts'
import { scram } from '../../src/protocol/sasl/scram.ts'

const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
const iterations = 4096

/** @param who signs in as `user` with `pencil` by SCRAM, as `test` with `test` or `1234` by PLAIN. */
export function exampleMechanisms(who: Authenticated): readonly SaslMechanism[] {
  const salted = pbkdf2Sync('pencil', salt, iterations, 32, 'sha256')
  const key = (name: string): Buffer => createHmac('sha256', salted).update(name).digest()
  const keys = {
    salt,
    iterations,
    storedKey: createHash('sha256').update(key('Client Key')).digest(),
    serverKey: key('Server Key'),
  }
  const source = {
    async scramAttempt(user: string) {
      if (user === 'busy') throw new Refusal(status.authUnavailable)
      return { keys, finish: async (proved: boolean) => (proved && user === 'user' ? who : null) }
    },
  }
  const authenticator = {
    verifyPassword: async (user: string, password: string) =>
      user === 'test' && ['test', '1234'].includes(password) ? who : null,
  }
  const examplePlain: SaslMechanism = { ...plain, begin: (context) => plain.begin({ ...context, authenticator }) }
  return [
    ...scram({ hash: 'sha-256', source, nonce: () => '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0', plus: true }),
    examplePlain,
    login,
  ]
}
