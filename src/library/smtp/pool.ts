/** A pool of connections to one server: many messages with few handshakes, within the server's limits. */
import { sleep, type Timer } from '../../base/clock.ts'
import type { SmtpClient } from '../../protocol/smtp/client.ts'
import { SmtpReplyFault } from '../../protocol/smtp/client-faults.ts'
import { SmtpConnectionFault } from '../../protocol/smtp/client-session.ts'
import type { DkimSigningKey } from '../../trust/dkim/sign.ts'
import { checkMail, checkPoolOptions, checkWishes } from './client-option-tables.ts'
import type { SmtpPoolOptions } from './client-options.ts'
import { connectChecked } from './connect.ts'
import { prepareMail, type OutgoingMail, type PreparedMail, type SendWishes } from './outgoing-mail.ts'
import { sendPrepared, SmtpRecipientsFault, type SendReport } from './send.ts'
import { signingKeysOf } from './sign-mail.ts'
import { clientTools } from './tools.ts'

const defaults = { connectionsMax: 5, messagesMax: 100, idleMs: 5000, waitingMax: 10_000 }

interface Kept {
  readonly client: SmtpClient
  readonly messages: number
}

interface Idle extends Kept {
  readonly timer: Timer
}

/** One of the `connectionsMax` places, held by a message. */
interface Place {
  /** Resolves when the place's last connection is closed. */
  left: Promise<void> | undefined
}

export class SmtpPool {
  readonly #options: SmtpPoolOptions & typeof defaults
  readonly #keys: readonly DkimSigningKey[]
  readonly #idle: Idle[] = []
  /** In order. A set, because taking the first from a long array moves all others. */
  readonly #waiting = new Set<() => void>()
  #busy = 0
  /** Start times of the last messages, as many as `rate.messages`. */
  #begun: number[] = []
  #pace = Promise.resolve()
  #closing = false
  #emptied: (() => void) | undefined

  /**
   * Connects when there is something to send. Throws a TypeError for options that are unknown or of a wrong type, and for an unusable DKIM
   * key.
   */
  constructor(options: SmtpPoolOptions) {
    checkPoolOptions(options)
    this.#options = { ...defaults, ...options }
    this.#keys = options.dkim ? signingKeysOf(options.dkim) : []
  }

  /**
   * Sends one message as soon as a connection is free.
   * Rejects with TypeError (an option), ComposeFault, SmtpConnectionFault, SmtpReplyFault, SmtpNeedFault, SmtpRecipientsFault; `isTemporary` tells whether to try again.
   */
  async send(mail: OutgoingMail, wishes: SendWishes = {}): Promise<SendReport> {
    checkMail(mail)
    checkWishes(wishes, false)
    await this.#enter()
    const place: Place = { left: undefined }
    try {
      const prepared = await prepareMail(mail, { ...this.#options.wishes, ...wishes })
      await this.#paced()
      return await this.#deliver(prepared, place)
    } finally {
      this.#leave(place)
    }
  }

  /** Connects and signs in, without sending. Rejects if the server cannot be reached, is not secure enough, or refuses the sign-in. */
  async verify(): Promise<void> {
    await this.#enter()
    const place: Place = { left: undefined }
    try {
      const kept = this.#take() ?? (await this.#connect())
      try {
        await kept.client.noop()
      } catch (error) {
        kept.client.destroy()
        throw error
      }
      this.#keep(kept, place)
    } finally {
      this.#leave(place)
    }
  }

  /** Number of messages that wait for a connection. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Takes no more messages, sends those that wait, then closes the connections. */
  async close(): Promise<void> {
    this.#closing = true
    if (this.#busy > 0) await new Promise<void>((resolve) => (this.#emptied = resolve))
    await Promise.all(this.#idle.splice(0).map((idle) => goodbye(idle)))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #enter(): Promise<void> {
    if (this.#closing) throw new Error('the pool is closed')
    const { connectionsMax, waitingMax } = this.#options
    if (this.#busy < connectionsMax) {
      this.#busy++
      return
    }
    if (this.#waiting.size >= waitingMax) throw new RangeError(`${waitingMax} messages wait already`)
    await new Promise<void>((resolve) => this.#waiting.add(resolve))
  }

  /**
   * The next message waits until the old connection is closed, or the server would see one too many. The caller of `send` does not wait.
   */
  #leave({ left }: Place): void {
    if (left) void left.then(() => this.#left())
    else this.#left()
  }

  #left(): void {
    const [next] = this.#waiting
    if (next) {
      this.#waiting.delete(next)
      return next()
    }
    if (--this.#busy === 0) this.#emptied?.()
  }

  /** One after another, so that the order is kept. */
  #paced(): Promise<void> {
    const { rate } = this.#options
    if (!rate) return Promise.resolve()
    return (this.#pace = this.#pace.then(async () => {
      const { clock } = clientTools
      const first = this.#begun.length < rate.messages ? undefined : this.#begun.shift()
      const waitMs = first === undefined ? 0 : first + rate.perMs - clock.monotonic()
      if (waitMs > 0) await sleep(clock, waitMs)
      this.#begun.push(clock.monotonic())
    }))
  }

  async #deliver(prepared: PreparedMail, place: Place): Promise<SendReport> {
    for (;;) {
      const kept = this.#take()
      const used = kept ?? (await this.#connect())
      const { client } = used
      const { streams } = client
      try {
        const report = await sendPrepared(client, prepared, this.#keys)
        this.#keep({ client, messages: used.messages + 1 }, place)
        return report
      } catch (error) {
        // If all recipients were refused, the transaction is over and the connection usable; after other faults its state is unknown.
        if (error instanceof SmtpRecipientsFault) this.#keep({ client, messages: used.messages + 1 }, place)
        else place.left = client.quit()
        // The server closed a kept connection. Nothing of the message was sent yet, so a new connection may try.
        if (!kept || client.streams !== streams || !isGoodbye(error)) throw error
        await place.left
        place.left = undefined
      }
    }
  }

  async #connect(): Promise<Kept> {
    return { client: await connectChecked(this.#options), messages: 0 }
  }

  #take(): Kept | undefined {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      idle.timer.cancel()
      if (idle.client.alive) return idle
      idle.client.destroy()
    }
    return undefined
  }

  #keep({ client, messages }: Kept, place: Place): void {
    const { messagesMax, idleMs } = this.#options
    if (messages >= messagesMax || client.mailsLeft <= 0 || !client.alive) {
      place.left = client.quit()
      return
    }
    const timer = clientTools.clock.after(idleMs, () => {
      this.#idle.splice(this.#idle.indexOf(idle), 1)
      void client.quit()
    })
    const idle: Idle = { client, messages, timer }
    this.#idle.push(idle)
  }
}

function goodbye({ client, timer }: Idle): Promise<void> {
  timer.cancel()
  return client.quit()
}

function isGoodbye(error: unknown): boolean {
  return error instanceof SmtpConnectionFault || (error instanceof SmtpReplyFault && error.reply.code === 421)
}
