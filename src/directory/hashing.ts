/** Passwords checked in bounded numbers, in fair turns: hashes share their threads with file reads and their memory with everything, binds a directory with others. */
import { Refusal, status } from '../mail/status.ts'

/** Hashes at a time: they run on the pool that file reads share, so half of it stays free. */
const hashingMax = 2
/** Logins that wait for a hash; more are told to try again, or a storm would be served long after its clients gave up. */
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
  /** By where they come from, in the order of their next turns. */
  readonly #waiting = new Map<string, Waiting[]>()
  /** The same of accounts that have signed in from there before: guesses from a thousand addresses do not make them wait. */
  readonly #known = new Map<string, Waiting[]>()
  #turns = 0

  constructor(runningMax = hashingMax) {
    this.#runningMax = runningMax
  }

  /**
   * @param from whose turn it takes: an address that asks for a thousand hashes makes itself wait, and nobody else.
   * @param known goes before those who are not.
   * Throws a Refusal when too many wait.
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
    // One turn in four is the others', or a storm of those who are known would keep newcomers out.
    const others = this.#known.size === 0 || (this.#waiting.size > 0 && ++this.#turns % othersEvery === 0)
    const line = others ? this.#waiting : this.#known
    const first = line.entries().next()
    if (first.done) return undefined
    const [from, queue] = first.value
    const next = queue.shift()!
    this.#count--
    // Behind all others.
    line.delete(from)
    if (queue.length > 0) line.set(from, queue)
    return next
  }

  /** Whoever has most waiting gives way; the newcomer itself if it is his. */
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
