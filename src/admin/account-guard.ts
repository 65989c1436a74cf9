/** Reacts to accounts that look compromised: holds their mail, and notifies the postmaster. */
import type { AccountId } from '../mail/ids.ts'
import type { AccountGuard, AccountWatch, AccountWatchOptions, Suspected } from '../directory/account-watch.ts'
import type { Log } from '../base/log.ts'
import { Counter } from '../base/metrics.ts'
import type { Store } from '../store/store.ts'
import type { TransferTools } from '../delivery/file.ts'
import type { Trace } from '../delivery/trace.ts'
import { commitWaiting } from './operator-acts.ts'
import { sendOwnMessage } from '../delivery/own-message.ts'

export type GuardTools = TransferTools & {
  readonly trace: Trace
  readonly log: Log
  readonly watchOptions: () => AccountWatchOptions
}

/** Waiting recipients held in one commit. */
const heldAtOnce = 200

/** Holds all queued mail of an account. @returns the number of recipients. */
export async function holdWaiting(store: Store, account: AccountId, nowMs: number): Promise<number> {
  let held = 0
  for (let after: number | undefined = 0; after !== undefined;) {
    const page = await store.read.queueWhere({ submitter: account }, after, heldAtOnce)
    const free = page.rows.filter(({ state }) => state !== 'held')
    held += await commitWaiting(
      store,
      free.map(({ id: recipient }) => ({ kind: 'queueAct', recipient, act: 'hold', nowMs })),
    )
    after = page.next
  }
  return held
}

export class StoreAccountGuard implements AccountGuard {
  readonly #tools: GuardTools
  readonly #watch: AccountWatch
  readonly suspected = new Counter('pennypost_accounts_suspected', 'Accounts that looked stolen, by reason.', 'reason')

  constructor(tools: GuardTools, watchFor: (suspected: (one: Suspected) => void) => AccountWatch) {
    this.#tools = tools
    this.#watch = watchFor((one) => void this.#found(one))
  }

  async sends(account: AccountId, name: string, recipients: number): Promise<boolean> {
    const { store, watchOptions } = this.#tools
    const beyond = this.#watch.sends(account, name, recipients)
    // The restriction set on the first alarm may not be committed yet.
    return (
      (beyond && watchOptions().action === 'hold') || (await store.read.accountById(account))?.restriction === 'held'
    )
  }

  async unknown(account: AccountId): Promise<void> {
    const { store, log } = this.#tools
    try {
      const name = (await store.read.accountById(account))?.name
      if (name !== undefined) this.#watch.unknown(account, name)
    } catch (error) {
      log.warn('an unknown recipient could not be counted', { error: String(error) })
    }
  }

  signedIn(account: AccountId, name: string, address: string): void {
    this.#watch.signedIn(account, name, address)
  }

  /** The operator has checked the account: counting starts again. */
  forget(account: AccountId): void {
    this.#watch.forget(account)
  }

  async #found({ account, name, reason, count }: Suspected): Promise<void> {
    const { store, log, clock, watchOptions } = this.#tools
    const holds = watchOptions().action === 'hold'
    this.suspected.of(reason).value++
    log.error('an account looks stolen', { account: name, reason, count, held: holds })
    try {
      if (holds && (await store.read.accountById(account))?.restriction === 'none') {
        await store.commit([{ kind: 'accountSet', name, restriction: 'held' }])
        await holdWaiting(store, account, clock.now())
      }
      const to = `postmaster@${name.slice(name.lastIndexOf('@') + 1)}`
      const text = words(name, reason, count, holds)
      if (!(await sendOwnMessage(this.#tools, { to, subject: `${name} looks stolen`, text, about: name })))
        log.warn('no postmaster to notify about an account', { account: name, to })
    } catch (error) {
      log.error('handling of a suspected account failed', { account: name, error: String(error) })
    }
  }
}

function words(name: string, reason: Suspected['reason'], count: number, held: boolean): string {
  const found = {
    recipients: `has written to ${count} recipients within an hour`,
    'unknown recipients': `has written to ${count} recipients within an hour that do not exist`,
    networks: `has signed in from ${count} networks within an hour`,
  }[reason]
  const state = held
    ? 'Its outgoing mail is held in the queue; it can still sign in and receive mail.'
    : 'Nothing was done about it.'
  return `The account ${name} ${found}. Its password may be known to others.

${state}

  pennypost session list --account ${name}    where it is signed in from
  pennypost queue list --sender ${name}       what it sends
  pennypost account lock ${name}              no sign-in, nothing sent; mail still comes in
  pennypost account password ${name}          a new password: ends its sessions
  pennypost account unlock ${name}            all is well: it may send again
  pennypost queue release --sender ${name}    what was held goes out
  pennypost queue drop --sender ${name}       or is dropped

The limits are those of [accountWatch] in the configuration.
`
}
