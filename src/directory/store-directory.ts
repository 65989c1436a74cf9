/** The store as a directory: accounts and their credentials are rows. */
import type { AccountId } from '../mail/ids.ts'
import { randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { appCredential, appUsedCredential, checkAppPassword } from './app-password.ts'
import type { AddressEntry } from './aliases.ts'
import type { Directory, DirectoryAccount } from './directory.ts'
import { HashQueue } from './hashing.ts'
import { checkPassword, hashPassword, passwordBytesMax } from './password.ts'
import { parseScramKeys, type ParsedScramKeys, type ScramHash } from './scram-keys.ts'

/** The rows that this room needs; the store has them. */
export interface DirectoryRows {
  isLocalDomain(domain: string): boolean
  user(name: string): Promise<(DirectoryAccount & { readonly quotaBytes: number }) | undefined>
  alias(address: string): Promise<{ readonly targets: readonly string[] } | undefined>
  /** Both by one read. */
  address(address: string): Promise<AddressEntry>
  credentials(account: AccountId, type: string): Promise<readonly { readonly name: string; readonly value: string }[]>
}

/** Records when an app password was used. */
export type NoteUse = (account: DirectoryAccount, name: string, atMs: number) => void

/** The last use is recorded once a day: a write for each sign-in would cost too much. */
const useNotedEveryMs = 86_400_000

export class StoreDirectory implements Directory {
  readonly #rows: DirectoryRows
  readonly #clock: Clock
  readonly #hashes = new HashQueue()
  readonly #noteUse: NoteUse | undefined
  #decoy: Promise<string> | undefined

  constructor(rows: DirectoryRows, clock: Clock, noteUse?: NoteUse) {
    this.#rows = rows
    this.#clock = clock
    this.#noteUse = noteUse
  }

  isLocalDomain(domain: string): boolean {
    return this.#rows.isLocalDomain(domain)
  }

  find(name: string): Promise<DirectoryAccount | undefined> {
    return this.#rows.user(name)
  }

  lookUp(address: string): Promise<AddressEntry> {
    return this.#rows.address(address)
  }

  /** Always costs one Argon2 hash, also for an unknown user or an account without a password: then it is the hash of a dummy password. */
  async verify(
    account: DirectoryAccount | undefined,
    password: string,
    from: string,
    known: boolean,
  ): Promise<string | undefined> {
    if (Buffer.byteLength(password) > passwordBytesMax) return undefined
    const app = account && (await this.verifyApp(account, password))
    if (app !== undefined) return app
    const hash = account && (await this.#rows.credentials(account.id, 'argon2id'))[0]?.value
    const checked = hash ?? (await (this.#decoy ??= hashPassword(randomBytes(16).toString('hex'))))
    const right = await this.#hashes.run(from, () => checkPassword(checked, password), known)
    return right ? hash : undefined
  }

  /** Checks app passwords only. */
  async verifyApp(account: DirectoryAccount, password: string): Promise<string | undefined> {
    const rows = await this.#rows.credentials(account.id, appCredential)
    return rows.find(({ value }) => checkAppPassword(value, password))?.value
  }

  async stands(account: DirectoryAccount, credential: string): Promise<boolean> {
    for (const type of ['argon2id', appCredential]) {
      if ((await this.#rows.credentials(account.id, type)).some(({ value }) => value === credential)) return true
    }
    return false
  }

  async scramKeys(account: DirectoryAccount, hash: ScramHash): Promise<ParsedScramKeys | undefined> {
    const value = (await this.#rows.credentials(account.id, `scram-${hash}`))[0]?.value
    return value === undefined ? undefined : parseScramKeys(value, hash)
  }

  async used(account: DirectoryAccount, credential: string): Promise<void> {
    if (!this.#noteUse) return
    const app = (await this.#rows.credentials(account.id, appCredential)).find(({ value }) => value === credential)
    if (!app) return
    const noted = (await this.#rows.credentials(account.id, appUsedCredential)).find(({ name }) => name === app.name)
    const nowMs = this.#clock.now()
    if (nowMs - Number(noted?.value ?? 0) >= useNotedEveryMs) this.#noteUse(account, app.name, nowMs)
  }
}
