/** Flags and keywords of accounts as bits. docs/architecture.md §6. */
import type { AccountId } from '../../mail/ids.ts'
import { flagsMax, flagWordBits, systemFlags, wellKnownKeywords, type FlagBits } from '../../mail/flags.ts'
import { StoreRefusal } from '../store.ts'
import type { Statements } from './driver.ts'
import type { GroupChanges } from '../group-changes.ts'
import { JournaledMap, type Journal } from './journal.ts'

/** Flag names of an account by bit, and back. A new name makes a new value. */
export interface FlagNames {
  readonly byBit: readonly (string | undefined)[]
  /** Keys in lower case: keywords are case-insensitive. RFC 9051 §2.3.2. */
  readonly bits: ReadonlyMap<string, number>
}

export class Keywords {
  readonly #statements: Statements
  readonly #changes: GroupChanges
  readonly #names: JournaledMap<AccountId, FlagNames>
  readonly #named: (account: AccountId) => unknown

  /** @param named told of each new name before its news. */
  constructor(statements: Statements, journal: Journal, changes: GroupChanges, named: (account: AccountId) => unknown) {
    this.#statements = statements
    this.#changes = changes
    this.#names = new JournaledMap(journal)
    this.#named = named
  }

  get size(): number {
    return this.#names.size
  }

  forget(account: AccountId): void {
    this.#names.delete(account)
  }

  clear(): void {
    this.#names.clear()
  }

  of(account: AccountId): FlagNames {
    let names = this.#names.get(account)
    if (!names) {
      const byBit: (string | undefined)[] = [...systemFlags, ...wellKnownKeywords]
      for (const row of this.#statements.sql('SELECT bit, name FROM keyword WHERE account = ?').all(account)) {
        byBit[row['bit'] as number] = row['name'] as string
      }
      const bits = new Map<string, number>()
      byBit.forEach((name, bit) => name !== undefined && bits.set(name.toLowerCase(), bit))
      this.#names.set(account, (names = { byBit, bits }))
    }
    return names
  }

  /** Names to bits; a keyword that is new to the account gets one. */
  bits(account: AccountId, flags: readonly string[]): FlagBits {
    if (flags.length === 0) return { low: 0, high: 0 }
    let low = 0
    let high = 0
    for (const flag of flags) {
      const bit = this.of(account).bits.get(flag.toLowerCase()) ?? this.#newKeyword(account, flag)
      if (bit < flagWordBits) low |= 1 << bit
      else high |= 1 << (bit - flagWordBits)
    }
    return { low, high }
  }

  #newKeyword(account: AccountId, name: string): number {
    const { byBit, bits } = this.of(account)
    const bit = byBit.length
    if (bit >= flagsMax)
      throw new StoreRefusal('tooManyKeywords', `An account has at most ${flagsMax} flags and keywords`)
    this.#statements.sql('INSERT INTO keyword (account, bit, name) VALUES (?, ?, ?)').run(account, bit, name)
    this.#names.set(account, { byBit: [...byBit, name], bits: new Map(bits).set(name.toLowerCase(), bit) })
    this.#named(account)
    this.#changes.push({ kind: 'flagName', account, bit, name })
    return bit
  }
}
