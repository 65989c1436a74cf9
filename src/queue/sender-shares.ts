/** Limits of one sender: a share of all transfers under way, and recipients an hour. */
import type { Live } from '../base/live.ts'
import { Rate, Rates } from '../base/rate.ts'

/** One sender never uses all transfers, however slow its next hops are. */
const shareMax = 0.75
const hourMs = 60 * 60_000

interface Options {
  readonly transfersMax: number
  readonly senderRatePerHour: number
}

export class SenderShares {
  readonly #options: Live<Options>
  readonly #transfers = new Map<string, number>()
  readonly #rates: Rates

  constructor(options: Live<Options>) {
    this.#options = options
    this.#rates = new Rates(() => new Rate(options.now.senderRatePerHour, hourMs, options.now.senderRatePerHour))
  }

  /** Whether it uses its share of all transfers already. */
  isUsedUp(sender: string): boolean {
    const share = Math.max(1, Math.floor(this.#options.now.transfersMax * shareMax))
    return (this.#transfers.get(sender) ?? 0) >= share
  }

  /** @returns 0: the recipients are counted; else the wait in milliseconds. The null sender has no rate. */
  spend(sender: string, recipients: number, nowMs: number): number {
    if (this.#options.now.senderRatePerHour === 0 || sender === '') return 0
    const rate = this.#rates.of(sender)
    const waitMs = rate.waitMs(nowMs)
    if (waitMs === 0) rate.spend(nowMs, recipients)
    return waitMs
  }

  begin(sender: string): void {
    this.#transfers.set(sender, (this.#transfers.get(sender) ?? 0) + 1)
  }

  end(sender: string): void {
    const left = (this.#transfers.get(sender) ?? 1) - 1
    if (left === 0) this.#transfers.delete(sender)
    else this.#transfers.set(sender, left)
  }
}
