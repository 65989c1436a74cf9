/** SASL mechanisms that AUTHENTICATE offers. A table of the session's options: further ones are put beside these. RFC 3501 §6.2.2, RFC 4422. */
import type { Peer } from '../../base/network.ts'
import { utf8 } from '../../base/bytes.ts'
import type { Authenticated, Authenticator } from '../sasl/authenticator.ts'
import { ImapRefusal } from './backend.ts'

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

const decode = (bytes: Uint8Array): string => utf8(bytes)

/** RFC 4616: one message, `authorization NUL authentication NUL password`. */
export const plain: SaslMechanism = {
  name: 'PLAIN',
  plaintext: true,
  begin: ({ authenticator, peer }) => ({
    async step(response) {
      if (!response) return new Uint8Array(0)
      const parts = decode(response).split('\0')
      if (parts.length !== 3 || parts[1] === '') return null
      const [authorization, user, password] = parts as [string, string, string]
      // Departs: RFC 4616 §2, acting as somebody else is not offered, whoever asks.
      if (authorization !== '' && authorization !== user)
        throw new ImapRefusal('AUTHORIZATIONFAILED', 'You may only act as yourself')
      return authenticator.verifyPassword(user, password, peer)
    },
  }),
}

/** The obsolete LOGIN, which old clients speak: name and password, each asked for. */
export const login: SaslMechanism = {
  name: 'LOGIN',
  plaintext: true,
  begin: ({ authenticator, peer }) => {
    let user: string | undefined
    let asked = false
    return {
      async step(response) {
        if (!response && !asked) {
          asked = true
          return Buffer.from('Username:')
        }
        if (user === undefined) {
          user = decode(response ?? new Uint8Array(0))
          return Buffer.from('Password:')
        }
        return authenticator.verifyPassword(user, decode(response ?? new Uint8Array(0)), peer)
      },
    }
  },
}

export const plainMechanisms: readonly SaslMechanism[] = [plain, login]
