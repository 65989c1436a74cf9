/** What a session asks of its driver, and what a driver gives its session. Sessions are synchronous and pure; only verbs that run wait. */
import type { Peer, TlsClientOptions, TlsFacts } from '../base/network.ts'

/** The next thing to do on a connection. */
export type Action =
  /** Nothing to do until bytes arrive or the session wakes the driver. */
  | { readonly kind: 'wait' }
  /** Say this. Replies are gathered and leave in one write. */
  | { readonly kind: 'write'; readonly bytes: Uint8Array }
  /** A verb that waits for its backend: one answer, or a stream of buffers of 16–64 KiB. The driver asks for no next action until it ended. */
  | { readonly kind: 'run'; readonly work: Promise<Uint8Array | undefined> | AsyncGenerator<Uint8Array, void, void> }
  /** A barrier: say `reply`, flush, drop what was read, shake hands; then `done`, also when it failed (facts is null, the driver closes). */
  | {
      readonly kind: 'startTls'
      readonly reply: Uint8Array
      readonly client?: TlsClientOptions
      readonly done: (facts: TlsFacts | null, problem?: string) => void
    }
  /** Say this, flush, close. `peerIsDone`: it has said its last word as well (QUIT), and is not listened to any longer. */
  | { readonly kind: 'close'; readonly bytes?: Uint8Array; readonly peerIsDone?: boolean }

export const wait: Action = { kind: 'wait' }

/** What the driver lets a session know and do. */
export interface SessionHost {
  readonly peer: Peer
  readonly tls: TlsFacts | null
  /** Something can be said now though nothing arrived: a mailbox changed, a commit ended. Cheap; may be called often. */
  wake(): void
  /** Gets the lines of the dialogue for the debug log, without secrets and messages; undefined while that is off. */
  readonly tell?: ((side: 'client' | 'server', words: string) => void) | undefined
  /** The client has signed in; `null`: it no longer is. A signed-in connection can be ended for the sake of its account. */
  signedIn?(
    user: { readonly accountId: number; readonly name: string; readonly credential?: string | undefined } | null,
  ): void
}

/** One side of one conversation: server or client. */
export interface Session {
  /** The first call. The greeting of a server comes out of `next()`. */
  start(host: SessionHost): void
  /** Bytes that arrived. The session keeps what it cannot use yet, in bounds of its own: past them it answers and closes. */
  receive(chunk: Uint8Array): void
  next(): Action
  /** How long the peer may be silent in the present state, milliseconds. */
  readonly idleTimeoutMs: number
  /**
   * What it waits for: time counts from when that changed, and bytes that do not end the wait give no more of it, or a peer that drips would be
   * listened to for ever. undefined: any byte gives new time.
   */
  readonly waitingFor?: number | undefined
  /** The input is as long as a message: its bytes extend the time, for slow lines. Never set for commands of unauthenticated clients. */
  readonly mayBeSlow?: boolean
  /** What it does, in a word or two: for the line that tells what held the event loop up. */
  readonly doing?: string
  /** What may be told of bytes that it says, as `SessionHost.tell` has it; undefined: nothing. */
  wordsOf?(bytes: Uint8Array): string | undefined
  /** The peer was silent too long: the parting words. The driver then closes. */
  timedOut(): Uint8Array | undefined
  /** The peer sends no more. Complete commands already received are still answered; then `next()` says close. */
  ended(): void
  /** A verb failed unexpectedly; the stack is in the log. Returns the reply; the session goes on or closes by `next()`. */
  failed(error: unknown): Uint8Array | undefined
  /** The server stops: the parting words (421, BYE) at the next quiet moment. `next()` then says close. */
  shutdown(): void
  /** The connection is gone: release everything. Called once, last. */
  closed(): void
}
