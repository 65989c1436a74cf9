/** What a SASL mechanism is, and on which connections it may be offered. RFC 4422 §3. */
import type { Peer, TlsFacts } from '../../base/network.ts'
import type { Authenticated, Authenticator } from './authenticator.ts'

export interface MechanismContext {
  readonly authenticator: Authenticator
  readonly peer: Peer
  readonly tls: TlsFacts | null
}

export interface SaslMechanism {
  readonly name: string
  /** The password or a token crosses the wire as it is: only under TLS. */
  readonly plaintext: boolean
  /** What it needs of the TLS channel beyond that it is there: a binding, a certificate. */
  fits?(tls: TlsFacts): boolean
  begin(context: MechanismContext): SaslExchange
}

export interface SaslExchange {
  /**
   * Takes the client's response; undefined at the beginning when it gave no initial one.
   * Answers a challenge to send, or how it ended; null: wrong credentials, whichever.
   */
  step(response: Uint8Array | undefined): Promise<Uint8Array | Authenticated | null>
}

/** A connection as the rule sees it. */
export interface SaslChannel {
  readonly tls: TlsFacts | null
  /** The listener offers TLS to those who have none yet. */
  readonly startTls: boolean
  /** Passwords may cross in clear: for loopback only. */
  readonly plaintextAuth: boolean
}

/** Whether a password itself may be said here: PLAIN, and the verbs that take one (LOGIN, PASS). */
export function mayTellPassword({ tls, plaintextAuth }: SaslChannel): boolean {
  return tls !== null || plaintextAuth
}

/**
 * The mechanisms that this connection may use: what is advertised and what is accepted are both this list.
 *
 * SCRAM hides the password from an eavesdropper, but allows guessing it offline, and without a binding nothing protects what follows.
 * So it requires TLS like the others if the listener offers TLS; without TLS, SCRAM is the best there is.
 */
export function offeredMechanisms(mechanisms: readonly SaslMechanism[], channel: SaslChannel): SaslMechanism[] {
  const { tls, startTls } = channel
  return mechanisms.filter((mechanism) => {
    if (mechanism.fits) return tls !== null && mechanism.fits(tls)
    return mayTellPassword(channel) || (!mechanism.plaintext && !startTls)
  })
}

/** A base64 line of a client, strictly: padding at the end alone. RFC 4954 §4, RFC 5034 §4. @returns undefined for anything else. */
export function decodeBase64(text: string): Uint8Array | undefined {
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)
    ? Buffer.from(text, 'base64')
    : undefined
}
