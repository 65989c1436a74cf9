/**
 * Limits and fair turns for checks of passwords: hashes compete with file reads for threads and use much memory; binds load a shared
 * directory.
 */
import { Refusal, status } from '../mail/status.ts'

/** Hashes at the same time: half of the thread pool stays free for file reads. */
const hashingMax = 2
/** Logins that may wait for a hash; further ones are told to try again, or a burst would be served long after its clients gave up. */
const hashQueueMax = 4000

const othersEvery = 4

interface Waiting {
  readonly start: () => void
  readonly refuse: (error: Error) => void
}

export class HashQueue {
  readonly #runningMax: number
  #running = 0
  #count = 0
  /** Waiting checks by address, in the order of their next turns. */
  readonly #waiting = new Map<string, Waiting[]>()
  /** The same for accounts that have signed in from that address before: guesses from a thousand addresses do not delay them. */
  readonly #known = new Map<string, Waiting[]>()
  #turns = 0

  constructor(runningMax = hashingMax) {
    this.#runningMax = runningMax
  }

  /**
   * @param from the client's address. Addresses take turns: one that asks for a thousand hashes delays only itself.
   * @param known the account has signed in from there: takes precedence.
   * Throws a Refusal if too many wait.
   */
  async run<T>(from: string, work: () => Promise<T>, known = false): Promise<T> {
    if (this.#running >= this.#runningMax) await this.#turn(from, known ? this.#known : this.#waiting)
    else this.#running++
    try {
      return await work()
    } finally {
      const next = this.#next()
      if (next) next.start()
      else this.#running--
    }
  }

  #turn(from: string, line: Map<string, Waiting[]>): Promise<void> {
    if (this.#count >= hashQueueMax) this.#makeRoom(from)
    return new Promise((start, refuse) => {
      const queue = line.get(from)
      if (queue) queue.push({ start, refuse })
      else line.set(from, [{ start, refuse }])
      this.#count++
    })
  }

  #next(): Waiting | undefined {
    // One turn in four goes to the others, or a burst of known ones would lock them out.
    const others = this.#known.size === 0 || (this.#waiting.size > 0 && ++this.#turns % othersEvery === 0)
    const line = others ? this.#waiting : this.#known
    const first = line.entries().next()
    if (first.done) return undefined
    const [from, queue] = first.value
    const next = queue.shift()!
    this.#count--
    // To the end of the line.
    line.delete(from)
    if (queue.length > 0) line.set(from, queue)
    return next
  }

  /** Drops a check of the address that has most waiting; refuses the new one if that is its own address. */
  #makeRoom(from: string): void {
    let longest: Waiting[] = []
    let whose = from
    for (const [key, queue] of this.#waiting) {
      if (queue.length <= longest.length) continue
      longest = queue
      whose = key
    }
    const refusal = new Refusal(status.authUnavailable)
    if (whose === from) throw refusal
    this.#count--
    longest.pop()!.refuse(refusal)
    if (longest.length === 0) this.#waiting.delete(whose)
  }
}
