/** What POP3 needs from the rest of the world: a maildrop, locked for one session. RFC 1939 §4. */
import type { MessageBytes } from '../../mail/content.ts'
import type { Authenticated } from '../sasl/authenticator.ts'

/** What the backend declines: `-ERR [code] text`. RFC 2449 §8, RFC 3206. */
export class Pop3Refusal extends Error {
  readonly code: 'IN-USE' | 'SYS/TEMP' | 'LOGIN-DELAY'
  constructor(code: Pop3Refusal['code'], cause?: string) {
    super(cause ?? code)
    this.name = 'Pop3Refusal'
    this.code = code
  }

  /** Which of the session's words go with it. */
  get phrase(): 'inUse' | 'tooSoon' | 'tryLater' {
    return this.code === 'IN-USE' ? 'inUse' : this.code === 'LOGIN-DELAY' ? 'tooSoon' : 'tryLater'
  }
}

export interface Pop3Backend {
  /** Opens and locks the maildrop of a user who has signed in. Throws Pop3Refusal('IN-USE'). */
  open(user: Authenticated): Promise<Pop3Maildrop>
}

export interface Pop3Message {
  readonly sizeBytes: number
  /** 1–70 characters from 0x21 to 0x7E; the same for the message's life. RFC 1939 §7. */
  readonly uidl: string
}

/** The maildrop as it was at login; what arrives later is for the next session. */
export interface Pop3Maildrop {
  readonly messages: readonly Pop3Message[]
  /** A small message in pieces, if it is in memory already: it can be answered with at once. */
  held?(index: number): readonly Uint8Array[] | undefined
  /** undefined: it was removed by another client meanwhile. */
  read(index: number): Promise<MessageBytes | undefined>
  /** Removes for good: QUIT. RFC 1939 §6. */
  remove(indexes: readonly number[]): Promise<void>
  /** Gives the lock back; called again, it does nothing. */
  close(): void
}
