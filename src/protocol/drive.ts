/** Drives one session over one connection: the same code for every protocol, for servers and for clients. */
import type { Connection, TlsServer } from '../base/network.ts'
import type { Clock } from '../base/clock.ts'
import { running } from '../base/running.ts'
import type { Log, LogFacts } from '../base/log.ts'
import type { Deadline, Wheel } from '../base/wheel.ts'
import { concat } from '../base/bytes.ts'
import type { Session, SessionHost } from './action.ts'

/** Gathered replies are written at this size at the latest: what one socket write takes well. */
const gatherBytes = 65_536
/** What may arrive while a verb runs before the socket is told to wait: a pipelined batch fits, a flood does not. */
const busyReceiveBytes = 262_144
/** A verb that streams gives the event loop back after so long or so much, or other connections would stall. */
const turnMs = 4
const turnBytes = 262_144
/**
 * In the middle of a literal or a body, so many bytes give a second more; with fewer, a peer drips, and would hold its place
 * for ever. What Postfix has as smtpd_min_data_rate.
 */
const bytesPerSecondMin = 500
/** Of a line of the dialogue, in the log. */
const wordsMax = 500
/** How long a peer may take to read our last words. */
const closeWaitMs = 5000

/** What hangs on it runs as a microtask: at a third of what `queueMicrotask` costs, which makes an async resource for each. */
const settled = Promise.resolve()

export interface DriveOptions {
  readonly clock: Clock
  readonly wheel: Wheel
  readonly log: Log
  /** For the startTls action on servers. */
  readonly tls?: TlsServer
  /** Which conversation this is, in the log. */
  readonly facts?: LogFacts
  readonly onClose?: () => void
  readonly onSignIn?: SessionHost['signedIn']
}

export class Driver implements SessionHost {
  readonly #connection: Connection
  readonly #session: Session
  readonly #options: DriveOptions
  #deadline: Deadline
  #out: Uint8Array[] = []
  #outBytes = 0
  #busy = false
  #busyBytes = 0
  #paused = false
  #full = false
  #drained: (() => void) | undefined
  #waking = false
  #flushing = false
  /** What the session waited for when its time began. */
  #waitingFor: number | undefined
  #waitingSinceMs = 0
  /** Work of ours or a write has come between: the time begins again. */
  #waitsAnew = true
  #closing = false
  #closed = false

  constructor(connection: Connection, session: Session, options: DriveOptions) {
    this.#connection = connection
    this.#session = session
    this.#options = options
    connection.receive({
      data: (chunk) => this.#received(chunk),
      drain: () => this.#hasRoom(),
      end: () => this.#peerEnded(),
      close: () => this.#gone(),
    })
    this.#deadline = options.wheel.add(Infinity, () => this.#timedOut())
    session.start(this)
    this.#pump()
  }

  get peer() {
    return this.#connection.peer
  }

  get tls() {
    return this.#connection.tls
  }

  wake(): void {
    if (this.#waking || this.#busy || this.#closed) return
    this.#waking = true
    // Not at once: the one who wakes may be in the middle of telling a thousand others.
    void settled.then(() => {
      this.#waking = false
      if (!this.#busy) this.#pump()
    })
  }

  get tell(): SessionHost['tell'] {
    const { log, facts } = this.#options
    if (!log.verbose) return undefined
    return (side, words) =>
      log.debug('dialogue', { ...facts, peer: this.peer.address, [side]: words.slice(0, wordsMax) })
  }

  signedIn(user: Parameters<NonNullable<SessionHost['signedIn']>>[0]): void {
    this.#options.onSignIn?.(user)
  }

  /** The server stops, or the session is ended. */
  shutdown(): void {
    if (this.#closed) return
    this.#session.shutdown()
    this.wake()
  }

  destroy(): void {
    this.#connection.destroy()
  }

  #received(chunk: Uint8Array): void {
    if (this.#closing || this.#closed) return
    this.#session.receive(chunk)
    if (this.#session.mayBeSlow) this.#brought(chunk.length)
    if (!this.#busy && !this.#full) return this.#pump()
    this.#busyBytes += chunk.length
    if (this.#busyBytes > busyReceiveBytes && !this.#paused) {
      this.#paused = true
      this.#connection.pause()
    }
  }

  #brought(bytes: number): void {
    const untilMs = this.#waitingSinceMs + (bytes / bytesPerSecondMin) * 1000
    this.#waitingSinceMs = Math.min(untilMs, this.#options.wheel.now())
  }

  #peerEnded(): void {
    if (this.#closed) return
    this.#session.ended()
    if (!this.#busy) this.#pump()
  }

  #timedOut(): void {
    if (this.#closed) return
    const words = this.#session.timedOut()
    if (words) this.#push(words)
    this.#close()
  }

  #gone(): void {
    if (this.#closed) return
    this.#closed = true
    this.#options.wheel.remove(this.#deadline)
    this.#drained?.()
    this.#out = []
    this.#session.closed()
    this.#options.onClose?.()
  }

  #hasRoom(): void {
    this.#full = false
    this.#waitsAnew = true
    const drained = this.#drained
    this.#drained = undefined
    drained?.()
    if (!this.#busy) this.#pump()
  }

  #push(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#out.push(bytes)
    this.#outBytes += bytes.length
    const words = this.#options.log.verbose && this.#session.wordsOf?.(bytes)
    if (words) this.tell?.('server', words)
  }

  #flush(): void {
    if (this.#outBytes === 0 || this.#closed) return
    const bytes = concat(this.#out)
    this.#out = []
    this.#outBytes = 0
    if (!this.#connection.write(bytes)) this.#full = true
  }

  /** What was gathered leaves after this turn of the loop, unless the verb ends before and adds to it. */
  #flushSoon(): void {
    if (this.#flushing || this.#outBytes === 0) return
    this.#flushing = true
    this.#options.clock.soon(() => {
      this.#flushing = false
      if (this.#busy) this.#flush()
    })
  }

  #pump(): void {
    if (this.#busy || this.#closing || this.#closed) return
    const { clock } = this.#options
    const since = clock.monotonic()
    for (;;) {
      if (this.#outBytes >= gatherBytes) this.#flush()
      if (this.#full) break // a client that does not read is not served; hasRoom() comes back here
      let action
      running(this.#session)
      try {
        action = this.#session.next()
      } catch (error) {
        this.#fail(error)
        if (this.#closing || this.#closed) return
        continue
      }
      switch (action.kind) {
        case 'wait':
          this.#flush()
          this.#listen()
          return
        case 'write':
          this.#push(action.bytes)
          // Thousands of short commands may come in one piece, each answered at once: others have their turn between them.
          if (clock.monotonic() - since < turnMs) continue
          this.#busy = true
          return this.#await(new Promise((resolve) => clock.soon(() => resolve(undefined))))
        case 'run':
          this.#busy = true
          if ('then' in action.work) this.#await(action.work)
          else void this.#stream(action.work)
          return
        case 'startTls':
          this.#push(action.reply)
          void this.#startTls(action)
          return
        case 'close':
          if (action.bytes) this.#push(action.bytes)
          this.#close(action.peerIsDone)
          return
      }
    }
    this.#touch()
  }

  #touch(): void {
    const { waitingFor, idleTimeoutMs } = this.#session
    if (waitingFor === undefined || waitingFor !== this.#waitingFor || this.#waitsAnew) {
      this.#waitingSinceMs = this.#options.wheel.now()
      this.#waitingFor = waitingFor
      this.#waitsAnew = false
    }
    this.#deadline.atMs = this.#waitingSinceMs + idleTimeoutMs
  }

  #listen(): void {
    this.#busyBytes = 0
    this.#touch()
    if (this.#paused) {
      this.#paused = false
      this.#connection.resume()
    }
  }

  #fail(error: unknown): void {
    this.#options.log.error('session failed', { peer: this.peer.address, error })
    let words
    try {
      words = this.#session.failed(error)
    } catch {
      return this.#close()
    }
    if (words) this.#push(words)
  }

  #await(work: Promise<Uint8Array | undefined>): void {
    // The peer is not silent while we work: no idle limit runs meanwhile. Work has limits of its own.
    this.#deadline.atMs = Infinity
    this.#flushSoon()
    work.then(
      (bytes) => {
        if (bytes) this.#push(bytes)
        this.#done()
      },
      (error) => {
        this.#fail(error)
        this.#done()
      },
    )
  }

  #done(): void {
    this.#busy = false
    this.#waitsAnew = true
    if (!this.#closed) this.#pump()
  }

  async #stream(work: AsyncGenerator<Uint8Array, void, void>): Promise<void> {
    const { clock } = this.#options
    // As in #await: only a peer that does not read has to hurry.
    this.#deadline.atMs = Infinity
    this.#flushSoon()
    let since = clock.monotonic()
    let bytesSince = 0
    try {
      for (;;) {
        if (this.#closed || this.#closing) break
        running(this.#session)
        const { done, value } = await work.next()
        if (done) break
        this.#push(value)
        bytesSince += value.length
        if (this.#outBytes >= gatherBytes / 4) this.#flush()
        if (this.#full) {
          // The peer has to read for us to go on: its silence counts.
          this.#waitsAnew = true
          this.#touch()
          await new Promise<void>((resolve) => (this.#drained = resolve))
          this.#deadline.atMs = Infinity
        } else if (bytesSince >= turnBytes || clock.monotonic() - since >= turnMs) {
          await new Promise<void>((resolve) => clock.soon(resolve))
          since = clock.monotonic()
          bytesSince = 0
        }
      }
    } catch (error) {
      if (!this.#closed) this.#fail(error)
    } finally {
      // Releases what the verb holds, wherever it was.
      await work.return().catch(() => {})
    }
    this.#done()
  }

  async #startTls(action: {
    client?: Parameters<Connection['startTlsClient']>[0]
    done: (facts: Connection['tls'], problem?: string) => void
  }): Promise<void> {
    this.#busy = true
    this.#flush()
    try {
      const { tls } = this.#options
      if (!action.client && !tls) throw new Error('no certificate is configured')
      const facts = action.client
        ? await this.#connection.startTlsClient(action.client)
        : await this.#connection.startTlsServer(tls!)
      this.#busy = false
      action.done(facts)
      this.#pump()
    } catch (error) {
      this.#options.log.info('TLS handshake failed', { peer: this.peer.address, error: String(error) })
      action.done(null, (error as Error).message)
      this.#connection.destroy()
    }
  }

  #close(peerIsDone = false): void {
    if (this.#closing) return
    this.#closing = true
    this.#flush()
    this.#out = []
    this.#connection.end(peerIsDone)
    // A peer that neither reads nor closes is cut off.
    this.#options.wheel.remove(this.#deadline)
    const atMs = this.#options.wheel.now() + closeWaitMs
    this.#deadline = this.#options.wheel.add(atMs, () => this.#connection.destroy())
  }
}

export function drive(connection: Connection, session: Session, options: DriveOptions): Driver {
  return new Driver(connection, session, options)
}
