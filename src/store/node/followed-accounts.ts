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
  /** Up to where changes were handed on. */
  told: number
  /** What news spoke of. */
  wanted: number
  /** Resolves when names and modSeq are there. */
  read?: Promise<void>
  /** Set while changes are read that no news brought. */
  catching?: Promise<void>
  /** One reading of them. */
  reading?: Promise<unknown>
  tables: number
}

/** What is done with the changes of an account: everything, everything but to tables, nothing. */
type Step = 'apply' | 'tell' | 'drop'

export interface FollowedTools {
  readonly rows: Pick<EngineRows, 'keywords' | 'modSeq' | 'changes'>
  readonly clock: Clock
  /** Hands on changes that were read. */
  readonly pass: (changes: readonly Change[]) => void
  /** All that was missed has been handed on. */
  readonly caughtUp: (account: AccountId) => void
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
      followed = { names: [...systemFlags, ...wellKnownKeywords], told: 0, wanted: 0, tables: 0 }
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

  /** Resolves when the account is known up to what news has spoken of by now; undefined: it is. Later news does not prolong it. */
  settled(account: AccountId): Promise<void> | undefined {
    const followed = this.#followed.get(account)
    return followed?.catching && this.#reaches(followed, followed.wanted)
  }

  async #reaches(followed: Followed, modSeq: number): Promise<void> {
    while (followed.catching && (followed.modSeq ?? 0) < modSeq) await followed.reading
  }

  /** Something was missed and is not read yet, nor perhaps can be. */
  isBehind(account: AccountId): boolean {
    const followed = this.#followed.get(account)
    return followed !== undefined && (followed.modSeq === undefined || followed.modSeq < followed.wanted)
  }

  /**
   * Of the changes, those that tables can apply: of accounts that are not followed, or following on what is known. And those that are to be handed
   * on: also what a table has read already, since nothing else was told of it.
   */
  sort(changes: readonly Change[]): { readonly forTables: readonly Change[]; readonly forOthers: readonly Change[] } {
    const steps = new Map<AccountId, Step>()
    const stepOf = (change: Change): Step => {
      if (change.kind === 'account') {
        const step = this.#step(change)
        if (step !== 'apply' || steps.size > 0) steps.set(change.account, step)
        return step
      }
      // A mailbox that is gone never comes back: true at any time.
      if (steps.size === 0 || !('account' in change) || change.kind === 'mailboxGone') return 'apply'
      return steps.get(change.account) ?? 'apply'
    }
    const all = changes.map(stepOf)
    if (steps.size === 0) return { forTables: changes, forOthers: changes }
    return {
      forTables: changes.filter((_, i) => all[i] === 'apply'),
      forOthers: changes.filter((_, i) => all[i] !== 'drop'),
    }
  }

  #step({ account, after, modSeq }: AccountChange): Step {
    const followed = this.#followed.get(account)
    if (!followed) return 'apply'
    if (followed.modSeq === undefined) {
      // Tables are read later than this.
      this.#want(account, followed, modSeq)
      return this.#told(followed, modSeq)
    }
    if (followed.catching || after > followed.modSeq) {
      this.#want(account, followed, modSeq)
      return 'drop'
    }
    if (modSeq <= followed.modSeq) return this.#told(followed, modSeq)
    followed.modSeq = modSeq
    followed.told = modSeq
    return 'apply'
  }

  /** What was read before its news is news all the same, once. */
  #told(followed: Followed, modSeq: ModSeq): Step {
    if (modSeq <= followed.told) return 'drop'
    followed.told = modSeq
    return 'tell'
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
      const reading = this.#readChanges(account, from).then((reached) => {
        if (reached === undefined || reached <= from) return false
        followed.modSeq = reached
        followed.told = Math.max(followed.told, reached)
        this.#tools.caughtUp(account)
        return true
      })
      // A failure is the caller's: here it only ends the wait.
      followed.reading = reading.catch(() => {})
      if (!(await reading)) return
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
      }
      this.#tools.pass(page)
      if (first?.kind === 'account' && first.after > from) {
        await this.#tools.reload(account)
        break
      }
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
