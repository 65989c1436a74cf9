/** SASL mechanisms, the server's side: one table for SMTP, IMAP and POP3. RFC 4422. */
import { utf8 } from '../../base/bytes.ts'
import type { Peer } from '../../base/network.ts'
import { Refusal, status } from '../../mail/status.ts'
import type { Authenticated, Authenticator } from './authenticator.ts'

export interface MechanismContext {
  readonly authenticator: Authenticator
  readonly peer: Peer
}

export interface SaslMechanism {
  readonly name: string
  /** The password or a token crosses the wire as it is: only under TLS. */
  readonly plaintext: boolean
  begin(context: MechanismContext): SaslExchange
}

export interface SaslExchange {
  /**
   * Takes the client's response; undefined at the beginning when it gave no initial one.
   * Answers a challenge to send, or how it ended; null: wrong credentials, whichever.
   */
  step(response: Uint8Array | undefined): Promise<Uint8Array | Authenticated | null>
}

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
      // Departs: RFC 4616 §2, acting as somebody else is not offered, whoever asks.
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
