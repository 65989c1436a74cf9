/** Connections that are kept for the next message to the same place, and addresses that did not answer a moment ago. RFC 5321 §4.5.4.1. */
import type { Clock, Timer } from '../../base/clock.ts'
import type { SmtpClient } from '../../protocol/smtp/client.ts'

/** How long a connection without work is kept: the next message of a burst comes at once, and others want the server's slots. */
const idleMs = 2000
/** Messages that one connection carries: servers close those that have had enough, and some count it against us. */
const messagesMax = 100
const keptMax = 100
/** An address that refused a connection, or did not answer, is passed by for so long where there is another. */
const deadMs = 60_000
const deadAddressesMax = 1000

interface Kept {
  readonly client: SmtpClient
  readonly key: string
  readonly messages: number
  readonly timer: Timer
}

export class KeptConnections {
  readonly #clock: Clock
  readonly #kept = new Set<Kept>()
  readonly #deadUntil = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether it is worth to find out the rest of a key. */
  mayHave(beginning: string): boolean {
    for (const { key } of this.#kept) if (key.startsWith(beginning)) return true
    return false
  }

  /** @returns one that still lives, and how many messages it has carried; it belongs to the caller now. */
  take(key: string): { readonly client: SmtpClient; readonly messages: number } | undefined {
    for (const kept of this.#kept) {
      if (kept.key !== key) continue
      this.#kept.delete(kept)
      kept.timer.cancel()
      if (kept.client.alive) return kept
    }
    return undefined
  }

  /** @param messages those that it has carried. */
  give(key: string, client: SmtpClient, messages: number): void {
    if (messages >= messagesMax || this.#kept.size >= keptMax || !client.alive) return void client.quit()
    const kept: Kept = { client, key, messages, timer: this.#clock.after(idleMs, () => this.#drop(kept)) }
    this.#kept.add(kept)
  }

  #drop(kept: Kept): void {
    this.#kept.delete(kept)
    kept.timer.cancel()
    void kept.client.quit()
  }

  /** Says goodbye to all. */
  close(): void {
    for (const kept of [...this.#kept]) this.#drop(kept)
  }

  noteDead(address: string): void {
    this.#deadUntil.delete(address)
    this.#deadUntil.set(address, this.#clock.monotonic() + deadMs)
    if (this.#deadUntil.size > deadAddressesMax) this.#deadUntil.delete(this.#deadUntil.keys().next().value!)
  }

  isDead(address: string): boolean {
    const until = this.#deadUntil.get(address)
    if (until !== undefined && until > this.#clock.monotonic()) return true
    this.#deadUntil.delete(address)
    return false
  }
}
