/**
 * Signed-in sessions of all protocols. A session ends when its account is disabled, removed or gets another password,
 * when its credential is revoked, or by an operator. Rights that are only checked at sign-in would last as long as the
 * client sends NOOP.
 */
import type { AccountId } from '../mail/ids.ts'
import { appCredential, credentialDigest } from '../directory/app-password.ts'
import { shutOut, type Directory } from '../directory/directory.ts'
import { turn, type Clock, type Timer } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Authenticated } from '../protocol/sasl/authenticator.ts'
import type { Change } from '../store/changes.ts'
import type { Store } from '../store/store.ts'

/** One connection whose client has signed in. */
export interface OpenSession {
  readonly id: string
  readonly service: string
  readonly address: string
  readonly user: Authenticated
  /** Ends it at its next idle moment. */
  close(): void
  /** Closes it at once. */
  destroy(): void
}

export interface SessionRow {
  readonly id: string
  readonly account: string
  readonly service: string
  readonly address: string
  readonly sinceMs: number
}

/** Sessions that are busy, or whose client does not read, are cut after this time. */
const goodbyeMs = 700

/** Many changes at once (a script that adds accounts) share one check; a session still ends within a second. */
const lookAfterMs = 100
/** Accounts checked in one turn of the event loop. */
const lookedAtOnce = 200

/** Types of credentials derived from a password. */
const passwordKinds = ['argon2id', 'scram-sha-256', 'scram-sha-1'] as const

interface Held extends OpenSession {
  readonly sinceMs: number
  /** The result of `#rightsOf` at sign-in. */
  readonly rights: Promise<string | undefined>
}

export interface SessionsTools {
  readonly store: Pick<Store, 'read' | 'listen'>
  readonly clock: Clock
  readonly log: Log
  /** Queried regularly for all signed-in accounts: an external directory does not report changes. */
  readonly outside?: { readonly directory: Pick<Directory, 'find'>; readonly recheckMs: () => number }
}

export class Sessions {
  readonly #tools: SessionsTools
  readonly #sessions = new Map<string, Held>()
  readonly #stopListening: () => void
  #timer: Timer | undefined
  #look: Timer | undefined
  #looking = false
  #closed = false

  constructor(tools: SessionsTools) {
    this.#tools = tools
    this.#stopListening = tools.store.listen((changes) => this.#resolved(changes))
    if (tools.outside) this.#askLater(tools.outside)
  }

  add(session: OpenSession): void {
    const rights = this.#rightsOf(session.user)
    const held = { ...session, sinceMs: this.#tools.clock.now(), rights }
    this.#sessions.set(session.id, held)
    rights.then(
      (found) => {
        // The account or its password may have changed since it was authenticated.
        if (found === undefined && this.#sessions.get(session.id) === held) this.#end([held], 'the account is gone')
      },
      () => this.#end([held], 'the account cannot be read'),
    )
  }

  remove(id: string): void {
    this.#sessions.delete(id)
  }

  /** In the order of sign-in. */
  list(account?: string): readonly SessionRow[] {
    return [...this.#sessions.values()]
      .filter(({ user }) => account === undefined || user.name === account)
      .map(({ id, user, service, address, sinceMs }) => ({ id, account: user.name, service, address, sinceMs }))
  }

  /** Numbers of sessions by service. */
  countBy(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { service } of this.#sessions.values()) counts.set(service, (counts.get(service) ?? 0) + 1)
    return counts
  }

  /** @returns the number of sessions ended. */
  end(which: { readonly id?: string; readonly account?: string }): number {
    const ended = [...this.#sessions.values()].filter(
      ({ id, user }) =>
        (which.id === undefined || id === which.id) && (which.account === undefined || user.name === which.account),
    )
    this.#end(ended, 'ended by the operator')
    return ended.length
  }

  close(): void {
    this.#closed = true
    this.#stopListening()
    this.#timer?.cancel()
    this.#look?.cancel()
  }

  #resolved(changes: readonly Change[]): void {
    if (this.#sessions.size > 0 && changes.some(({ kind }) => kind === 'directory')) this.#lookSoon()
  }

  #lookSoon(): void {
    this.#look ??= this.#tools.clock.after(lookAfterMs, () => {
      this.#look = undefined
      // After changes during a check there is another one.
      if (this.#looking) return this.#lookSoon()
      this.#looking = true
      this.#lookAtAll()
        .catch((error: unknown) => {
          // A stop does not wait for it: the store may be closed by then.
          if (!this.#closed) this.#tools.log.error('sessions could not be checked', { error: String(error) })
        })
        .finally(() => (this.#looking = false))
    })
  }

  async #lookAtAll(): Promise<void> {
    const now = new Map<string, string | undefined>()
    for (const session of [...this.#sessions.values()]) {
      const { user, rights, id } = session
      const key = `${user.accountId} ${user.credential ?? ''}`
      if (!now.has(key)) {
        now.set(key, await this.#rightsOf(user))
        if (now.size % lookedAtOnce === 0) await turn(this.#tools.clock)
      }
      if (now.get(key) !== (await rights) && this.#sessions.get(id) === session)
        this.#end([session], 'the account, its password or the app password was changed')
    }
  }

  /**
   * The credentials that a session depends on: any change since sign-in ends it; undefined: the account is gone or
   * locked, or the password that was used is no longer one.
   */
  async #rightsOf({ accountId, credential }: Authenticated): Promise<string | undefined> {
    const { read } = this.#tools.store
    const id = accountId as AccountId
    const account = await read.accountById(id)
    if (!account || shutOut(account)) return undefined
    const apps = credential === undefined ? [] : await read.credentials(id, appCredential)
    const isApp = apps.some(({ value }) => credentialDigest(value) === credential)
    // Stored data about an external directory's passwords is written at sign-in: it does not show changes.
    if (this.#tools.outside) return String(isApp)
    const passwords: string[][] = []
    for (const kind of passwordKinds) passwords.push((await read.credentials(id, kind)).map(({ value }) => value))
    const isPassword = passwords[0]!.some((value) => credentialDigest(value) === credential)
    return credential === undefined || isApp || isPassword ? JSON.stringify([passwords, isApp]) : undefined
  }

  #end(sessions: readonly Held[], reason: string): void {
    for (const session of sessions) {
      const { id, user, service, address } = session
      this.#tools.log.info('session ended', { id, account: user.name, service, peer: address, reason })
      session.close()
      this.#tools.clock.after(goodbyeMs, () => session.destroy())
    }
  }

  #askLater(outside: NonNullable<SessionsTools['outside']>): void {
    this.#timer = this.#tools.clock.after(outside.recheckMs(), () => {
      void this.#askAll(outside.directory).finally(() => this.#askLater(outside))
    })
  }

  /** One query per account; a directory that does not answer ends no sessions. */
  async #askAll(directory: Pick<Directory, 'find'>): Promise<void> {
    const names = new Map<string, Held[]>()
    for (const session of this.#sessions.values()) {
      const known = names.get(session.user.name)
      if (known) known.push(session)
      else names.set(session.user.name, [session])
    }
    for (const [name, sessions] of names) {
      try {
        const account = await directory.find(name)
        if (!account || shutOut(account)) this.#end(sessions, 'the directory does not know the account any more')
      } catch {
        return
      }
    }
  }
}
