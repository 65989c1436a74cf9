/** Names of flag bits by account, for as long as one of its tables is loaded. docs/architecture.md §6. */
import { systemFlags, wellKnownKeywords } from '../../mail/flags.ts'
import type { AccountId } from '../../mail/ids.ts'
import type { KeywordRow } from '../engine.ts'

type Names = (string | undefined)[]

interface Known {
  readonly names: Names
  /** Resolves when the names of the rows are in it. */
  read?: Promise<void>
  tables: number
}

export class FlagNames {
  readonly #read: (account: AccountId) => Promise<readonly KeywordRow[]>
  readonly #known = new Map<AccountId, Known>()

  constructor(read: (account: AccountId) => Promise<readonly KeywordRow[]>) {
    this.#read = read
  }

  /** For one more table. @returns the names, shared; later ones are added in place. Throws as the read does, and then holds nothing. */
  async hold(account: AccountId): Promise<readonly (string | undefined)[]> {
    let known = this.#known.get(account)
    if (!known) {
      // Entered before its rows are read: names that come meanwhile are learnt.
      this.#known.set(account, (known = { names: [...systemFlags, ...wellKnownKeywords], tables: 0 }))
      known.read = this.#fill(account, known.names)
    }
    known.tables++
    try {
      await known.read
    } catch (error) {
      this.release(account)
      throw error
    }
    return known.names
  }

  async #fill(account: AccountId, names: Names): Promise<void> {
    for (const { bit, name } of await this.#read(account)) names[bit] = name
  }

  release(account: AccountId): void {
    const known = this.#known.get(account)
    if (known && --known.tables === 0) this.#known.delete(account)
  }

  /** A bit never gets another name, so it does not matter whether the rows are read before or behind this. */
  learn(account: AccountId, bit: number, name: string): void {
    const known = this.#known.get(account)
    if (known) known.names[bit] = name
  }
}
