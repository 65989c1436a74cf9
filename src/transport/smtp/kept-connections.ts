/** Connections kept for the next message to the same place, and addresses that recently failed. RFC 5321 §4.5.4.1. */
import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import type { Deadline, Wheel } from '../../base/wheel.ts'
import type { SmtpClient } from '../../protocol/smtp/client.ts'

/**
 * Idle time of a kept connection: the next message of a burst comes at once, and other clients need the server's slots.
 */
const idleMs = 2000
/** Messages of one connection: servers close longer ones, and some count them against us. */
const messagesMax = 100
const keptMax = 100
/** An address that refused a connection or timed out is skipped for this long, if there is another. */
const deadMs = 60_000
const deadAddressesMax = 1000

interface Kept {
  readonly place: string
  readonly security: string
  readonly client: SmtpClient
  readonly messages: number
  readonly deadline: Deadline
}

export class KeptConnections {
  readonly #clock: Clock
  readonly #wheel: Wheel
  /** By place, the longest idle first. */
  readonly #kept = new Map<string, Kept[]>()
  #count = 0
  readonly #deadUntil = new BoundedMap<string, number>(deadAddressesMax)
  /** Places that announce CHUNKING and refuse BDAT, the latest at the end. */
  readonly #withoutChunking = new BoundedMap<string, true>(deadAddressesMax)

  constructor(clock: Clock, wheel: Wheel) {
    this.#clock = clock
    this.#wheel = wheel
  }

  noteNoChunking(line: string): void {
    this.#withoutChunking.set(line, true)
  }

  refusesChunks(line: string): boolean {
    return this.#withoutChunking.has(line)
  }

  /** Whether there may be a kept connection: else its required security need not be looked up. */
  mayHave(place: string): boolean {
    return this.#kept.has(place)
  }

  /**
   * @param place destination and login.
   * @param security its kind of TLS, and what was verified.
   * @returns an open connection with the number of messages sent; the caller owns it now.
   */
  take(place: string, security: string): { readonly client: SmtpClient; readonly messages: number } | undefined {
    for (const kept of this.#kept.get(place) ?? []) {
      if (kept.security !== security) continue
      this.#forget(kept)
      if (kept.client.alive) return kept
    }
    return undefined
  }

  /** @param messages sent on it so far. */
  give(place: string, security: string, client: SmtpClient, messages: number): void {
    if (messages >= messagesMax || this.#count >= keptMax || !client.alive) return void client.quit()
    const deadline = this.#wheel.add(this.#wheel.now() + idleMs, () => this.#drop(kept))
    const kept: Kept = { place, security, client, messages, deadline }
    const there = this.#kept.get(place)
    if (there) this.#kept.set(place, [...there, kept])
    else this.#kept.set(place, [kept])
    this.#count++
  }

  #forget(kept: Kept): void {
    this.#wheel.remove(kept.deadline)
    const others = this.#kept.get(kept.place)!.filter((other) => other !== kept)
    if (others.length > 0) this.#kept.set(kept.place, others)
    else this.#kept.delete(kept.place)
    this.#count--
  }

  #drop(kept: Kept): void {
    this.#forget(kept)
    void kept.client.quit()
  }

  /** Sends QUIT on all of them. */
  close(): void {
    for (const kept of [...this.#kept.values()].flat()) this.#drop(kept)
  }

  noteDead(address: string): void {
    this.#deadUntil.set(address, this.#clock.monotonic() + deadMs)
  }

  isDead(address: string): boolean {
    const until = this.#deadUntil.get(address)
    if (until !== undefined && until > this.#clock.monotonic()) return true
    this.#deadUntil.delete(address)
    return false
  }
}
