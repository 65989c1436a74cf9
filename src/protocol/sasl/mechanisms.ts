/** SASL mechanisms, the server's side: one table for SMTP, IMAP and POP3. RFC 4422. */
import { utf8 } from '../../base/bytes.ts'
import type { Random } from '../../base/random.ts'
import { Refusal, status } from '../../mail/status.ts'
import type { ScramSource, TokenSource, VouchedSource } from './authenticator.ts'
import { external } from './external.ts'
import type { SaslMechanism } from './mechanism.ts'
import { oauthBearer, xoauth2 } from './oauth.ts'
import { scram } from './scram.ts'

export type { MechanismContext, SaslExchange, SaslMechanism } from './mechanism.ts'

/** RFC 4616: one message, `authorization NUL authentication NUL password`. */
export const plain: SaslMechanism = {
  name: 'PLAIN',
  plaintext: true,
  begin: ({ authenticator, peer }) => ({
    async step(response) {
      if (!response) return new Uint8Array(0)
      const parts = utf8(response).split('\0')
      if (parts.length !== 3 || parts[1] === '') return null
      const [authorization, user, password] = parts as [string, string, string]
      // Departs: RFC 4616 §2, acting as another user is not offered to any client.
      if (authorization !== '' && authorization !== user) throw new Refusal(status.actingAsOther)
      return authenticator.verifyPassword(user, password, peer)
    },
  }),
}

/** The obsolete LOGIN, which old clients speak: name and password, each asked for. */
export const login: SaslMechanism = {
  name: 'LOGIN',
  plaintext: true,
  begin({ authenticator, peer }) {
    let asked = false
    let user: string | undefined
    return {
      async step(response) {
        if (!response && !asked) {
          asked = true
          return Buffer.from('Username:')
        }
        const text = utf8(response ?? new Uint8Array(0))
        if (user !== undefined) return authenticator.verifyPassword(user, text, peer)
        user = text
        return Buffer.from('Password:')
      },
    }
  },
}

export const passwordMechanisms: readonly SaslMechanism[] = [plain, login]

/** What the mechanisms beyond passwords need; those whose part is missing are not in the table. */
export interface MechanismTools {
  readonly random: Random
  /** undefined: no account has SCRAM keys. */
  readonly scram?: ScramSource
  /** Old clients know no other SCRAM; passwords set while it was off have no keys for it. */
  readonly scramSha1: boolean
  /** Bound to the channel as well. */
  readonly scramPlus: boolean
  readonly vouched: VouchedSource
  readonly tokens?: TokenSource
}

/** 144 bits of our own in every exchange of SCRAM: no two are alike, whatever the client sends. */
const nonceBytes = 18

/** Strongest first: clients that take the first they know then take the best. */
export function saslMechanisms({
  random,
  scram: source,
  scramSha1,
  scramPlus: plus,
  vouched,
  tokens,
}: MechanismTools): SaslMechanism[] {
  const nonce = (): string => Buffer.from(random.bytes(nonceBytes)).toString('base64')
  return [
    ...(source ? scram({ hash: 'sha-256', source, nonce, plus }) : []),
    ...(source && scramSha1 ? scram({ hash: 'sha-1', source, nonce, plus }) : []),
    external(vouched),
    ...(tokens ? [oauthBearer(tokens, vouched), xoauth2(tokens, vouched)] : []),
    ...passwordMechanisms,
  ]
}
