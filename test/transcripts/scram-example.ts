/** The example of RFC 7677 §3 as a mechanism: its user, its password, its salt, its nonce. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import type { Authenticated } from '../../src/protocol/sasl/authenticator.ts'
import type { SaslMechanism } from '../../src/protocol/sasl/mechanism.ts'
import { passwordMechanisms } from '../../src/protocol/sasl/mechanisms.ts'
import { scram } from '../../src/protocol/sasl/scram.ts'

const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
const iterations = 4096

/** @param who signs in as `user` with `pencil`. */
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
    scramAttempt: async (user: string) => ({
      keys,
      finish: async (proved: boolean) => (proved && user === 'user' ? who : null),
    }),
  }
  return [...scram({ hash: 'sha-256', source, nonce: () => '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0' }), ...passwordMechanisms]
}
