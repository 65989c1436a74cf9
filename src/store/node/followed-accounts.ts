/**
 * Accounts of which a node has tables in memory: the names of their flag bits, and up to which mod-sequence their changes are known. News may be
 * lost, come twice or late: what is old is dropped, and what a gap hides is read. docs/architecture.md §7.
 */
import { turn, type Clock } from '../../base/clock.ts'
import { systemFlags, wellKnownKeywords } from '../../mail/flags.ts'
import type { AccountId, ModSeq } from '../../mail/ids.ts'
import type { AccountChange, Change } from '../changes.ts'
import type { EngineRows } from '../engine.ts'

interface Followed {
  /** By bit. */
  readonly names: (string | undefined)[]
  /** Everything up to it is known; undefined: it is being read. */
  modSeq?: ModSeq
  /** What news spoke of. */
  wanted: number
  /** Resolves when names and modSeq are there. */
  read?: Promise<void>
  /** Set while changes are read that no news brought. */
  catching?: Promise<void>
  tables: number
}

export interface FollowedTools {
  readonly rows: Pick<EngineRows, 'keywords' | 'modSeq' | 'changes'>
  readonly clock: Clock
  /** Hands on changes that were read. */
  readonly pass: (changes: readonly Change[]) => void
  /** Reads the account's tables anew, since not all changes are known any more; without the account they are gone. */
  readonly reload: (account: AccountId) => Promise<void>
}

export class FollowedAccounts {
  readonly #tools: FollowedTools
  readonly #followed = new Map<AccountId, Followed>()

  constructor(tools: FollowedTools) {
    this.#tools = tools
  }

  /** For one more table. @returns the names of flag bits, shared; later ones are added in place. Throws as the reads do, and then holds nothing. */
  async hold(account: AccountId): Promise<readonly (string | undefined)[]> {
    let followed = this.#followed.get(account)
    if (!followed) {
      // Entered before its rows are read: what comes meanwhile is noticed.
      followed = { names: [...systemFlags, ...wellKnownKeywords], wanted: 0, tables: 0 }
      this.#followed.set(account, followed)
      followed.read = this.#read(account, followed)
    }
    followed.tables++
    try {
      await followed.read
    } catch (error) {
      this.release(account)
      throw error
    }
    return followed.names
  }

  async #read(account: AccountId, followed: Followed): Promise<void> {
    const modSeq = await this.#tools.rows.modSeq(account)
    for (const { bit, name } of await this.#tools.rows.keywords(account)) followed.names[bit] = name
    followed.modSeq = modSeq
    this.#want(account, followed, modSeq)
  }

  release(account: AccountId): void {
    const followed = this.#followed.get(account)
    if (followed && --followed.tables === 0) this.#followed.delete(account)
  }

  /** A bit never gets another name, so it does not matter whether the rows are read before or behind this. */
  learn(account: AccountId, bit: number, name: string): void {
    const followed = this.#followed.get(account)
    if (followed) followed.names[bit] = name
  }

  /** Resolves when the account is known up to what news spoke of; undefined: it is. */
  settled(account: AccountId): Promise<void> | undefined {
    return this.#followed.get(account)?.catching
  }

  /** Those of accounts that are not followed, and those that follow on what is known. */
  fitting(changes: readonly Change[]): readonly Change[] {
    let unfit: Set<AccountId> | undefined
    const fits = (change: Change): boolean => {
      if (change.kind === 'account') {
        if (!this.#step(change)) (unfit ??= new Set()).add(change.account)
        else unfit?.delete(change.account)
      }
      // A mailbox that is gone never comes back: true at any time.
      return (
        unfit === undefined || !('account' in change) || change.kind === 'mailboxGone' || !unfit.has(change.account)
      )
    }
    const all = changes.map(fits)
    return unfit === undefined ? changes : changes.filter((_, i) => all[i])
  }

  /** @returns whether its changes can be applied. */
  #step({ account, after, modSeq }: AccountChange): boolean {
    const followed = this.#followed.get(account)
    if (!followed) return true
    if (followed.modSeq === undefined || followed.catching || after > followed.modSeq) {
      this.#want(account, followed, modSeq)
      return false
    }
    if (modSeq <= followed.modSeq) return false
    followed.modSeq = modSeq
    return true
  }

  #want(account: AccountId, followed: Followed, modSeq: ModSeq): void {
    followed.wanted = Math.max(followed.wanted, modSeq)
    if (followed.modSeq === undefined || followed.wanted <= followed.modSeq) return
    // What could not be read is asked for again with the next news, and by `check`.
    followed.catching ??= this.#catchUp(account, followed)
      .catch(() => {})
      .finally(() => delete followed.catching)
  }

  async #catchUp(account: AccountId, followed: Followed): Promise<void> {
    while (followed.modSeq! < followed.wanted) {
      const from = followed.modSeq!
      const reached = await this.#readChanges(account, from)
      if (reached === undefined || reached <= from) return
      followed.modSeq = reached
    }
  }

  /** @returns up to where the account is known now. */
  async #readChanges(account: AccountId, from: ModSeq): Promise<ModSeq | undefined> {
    let reached: ModSeq | undefined
    for await (const page of this.#tools.rows.changes(account, from)) {
      const first = page[0]
      if (first?.kind === 'account') {
        // Read before the tables: what comes while they are read is known twice at worst.
        reached = first.modSeq
        if (first.after > from) {
          await this.#tools.reload(account)
          break
        }
      }
      this.#tools.pass(page)
      await turn(this.#tools.clock)
    }
    if (reached === undefined) await this.#tools.reload(account)
    return reached
  }

  /** Looks whether news was lost. */
  async check(): Promise<void> {
    for (const [account, followed] of [...this.#followed])
      this.#want(account, followed, await this.#tools.rows.modSeq(account))
  }
}
