/** POP3's backend on the store: INBOX as a maildrop, one session at a time. RFC 1939 §4. */
import type { AccountId } from '../mail/ids.ts'
import type { Clock } from '../base/clock.ts'
import { Pop3Refusal, type Pop3Backend, type Pop3Maildrop, type Pop3Message } from '../protocol/pop3/backend.ts'
import type { Authenticated } from '../protocol/sasl/authenticator.ts'
import { derivedUidl } from '../store/uidl.ts'
import type { Ranges } from '../store/operations.ts'
import type { Store } from '../store/store.ts'
import { MaildropReader, ReadersAhead } from './pop3-reader.ts'

/** Messages shown to a client at most, the oldest: the others follow once these are deleted. */
const maildropMax = 100_000

export class StorePop3Backend implements Pop3Backend {
  readonly #store: Store
  readonly #clock: Clock
  /** Accounts with an open maildrop. One process owns the store, so a set in memory is a lock. */
  readonly #locked = new Set<AccountId>()
  readonly #ahead = new ReadersAhead()
  readonly #loginDelayMs: () => number
  /** Time of each account's last login, oldest first; only with a login delay. */
  readonly #cameAtMs = new Map<AccountId, number>()

  /** @param loginDelayMs minimum time between two logins of an account. RFC 2449 §6.5. */
  constructor(store: Store, clock: Clock, loginDelayMs = (): number => 0) {
    this.#store = store
    this.#clock = clock
    this.#loginDelayMs = loginDelayMs
  }

  async open(user: Authenticated): Promise<Pop3Maildrop> {
    const account = user.accountId as AccountId
    const inbox = await this.#store.read.mailboxByName(account, 'INBOX')
    if (!inbox) throw new Pop3Refusal('SYS/TEMP', 'no INBOX')
    if (this.#locked.has(account)) throw new Pop3Refusal('IN-USE')
    this.#pace(account)
    this.#locked.add(account)
    let held = true
    // Only once: another session may have the lock when this connection closes.
    const release = (): void => {
      if (held) this.#locked.delete(account)
      held = false
    }
    try {
      return await this.#read(inbox.id, inbox.uidValidity, release)
    } catch (error) {
      release()
      throw error
    }
  }

  #pace(account: AccountId): void {
    const delayMs = this.#loginDelayMs()
    if (delayMs === 0) return
    const now = this.#clock.monotonic()
    // In order of login, so the oldest come first.
    for (const [other, atMs] of this.#cameAtMs) {
      if (now - atMs < delayMs) break
      this.#cameAtMs.delete(other)
    }
    if (this.#cameAtMs.has(account)) throw new Pop3Refusal('LOGIN-DELAY')
    this.#cameAtMs.set(account, now)
  }

  async #read(mailbox: number, uidValidity: number, release: () => void): Promise<Pop3Maildrop> {
    const { read } = this.#store
    const table = await read.table(mailbox)
    const view = table.view()
    const wanted = view.uids.slice(0, Math.min(view.count, maildropMax))
    table.release()
    const uids: number[] = []
    const messages: Pop3Message[] = []
    for await (const page of read.rows(mailbox, wanted, {})) {
      for (const { uid, sizeBytes, uidl } of page) {
        uids.push(uid)
        messages.push({ sizeBytes, uidl: uidl ?? derivedUidl(uidValidity, uid) })
      }
    }
    const reader = new MaildropReader(this.#store, mailbox, Uint32Array.from(uids), this.#ahead)
    return {
      messages,
      held: (index) => reader.held(index),
      read: (index) => reader.read(index),
      remove: async (indexes) => {
        const ranges: Ranges = indexes
          .map((index) => uids[index]!)
          .sort((a, b) => a - b)
          .map((uid) => [uid, uid] as const)
        await this.#store.commit([{ kind: 'expunge', mailbox, uids: ranges, force: true, nowMs: this.#clock.now() }])
      },
      close() {
        reader.forget()
        release()
      },
    }
  }
}
