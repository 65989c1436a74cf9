/** Connections that are kept for the next message to the same place, and addresses that did not answer a moment ago. RFC 5321 §4.5.4.1. */
import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import type { Deadline, Wheel } from '../../base/wheel.ts'
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
  readonly place: string
  readonly security: string
  readonly client: SmtpClient
  readonly messages: number
  readonly deadline: Deadline
}

export class KeptConnections {
  readonly #clock: Clock
  readonly #wheel: Wheel
  /** By place, the one that rests longest first. */
  readonly #kept = new Map<string, Kept[]>()
  #count = 0
  readonly #deadUntil = new BoundedMap<string, number>(deadAddressesMax)
  /** Places that offer CHUNKING and refuse BDAT, the one found last at the end. */
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

  /** Whether it is worth to find out how safe one would have to be. */
  mayHave(place: string): boolean {
    return this.#kept.has(place)
  }

  /**
   * @param place where it leads, and as whom.
   * @param security what it is, and what was verified.
   * @returns one that still lives, and how many messages it has carried; it belongs to the caller now.
   */
  take(place: string, security: string): { readonly client: SmtpClient; readonly messages: number } | undefined {
    for (const kept of this.#kept.get(place) ?? []) {
      if (kept.security !== security) continue
      this.#forget(kept)
      if (kept.client.alive) return kept
    }
    return undefined
  }

  /** @param messages those that it has carried. */
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

  /** Says goodbye to all. */
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
