/** The store as a directory: accounts and their credentials are rows. */
import type { AccountId } from '../mail/ids.ts'
import { randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { appCredential, appUsedCredential, checkAppPassword } from './app-password.ts'
import type { Directory, DirectoryAccount } from './directory.ts'
import { HashQueue } from './hashing.ts'
import { checkPassword, hashPassword, passwordBytesMax } from './password.ts'
import { parseScramKeys, type ParsedScramKeys, type ScramHash } from './scram-keys.ts'

/** The rows that this room needs; the store has them. */
export interface CredentialSource {
  account(name: string): DirectoryAccount | undefined
  credentials(account: AccountId, type: string): readonly { readonly name: string; readonly value: string }[]
}

/** Records when an app password was used. */
export type NoteUse = (account: DirectoryAccount, name: string, atMs: number) => void

/** The last use is recorded once a day: a write for each sign-in would cost too much. */
const useNotedEveryMs = 86_400_000

export class StoreDirectory implements Directory {
  readonly #source: CredentialSource
  readonly #clock: Clock
  readonly #hashes = new HashQueue()
  readonly #noteUse: NoteUse | undefined
  #decoy: Promise<string> | undefined

  constructor(source: CredentialSource, clock: Clock, noteUse?: NoteUse) {
    this.#source = source
    this.#clock = clock
    this.#noteUse = noteUse
  }

  find(name: string): DirectoryAccount | undefined {
    return this.#source.account(name)
  }

  /** Always costs one Argon2 hash, also for an unknown user or an account without a password: then it is the hash of a dummy password. */
  async verify(
    account: DirectoryAccount | undefined,
    password: string,
    from: string,
    known: boolean,
  ): Promise<string | undefined> {
    if (Buffer.byteLength(password) > passwordBytesMax) return undefined
    const app = account && this.verifyApp(account, password)
    if (app !== undefined) return app
    const hash = account && this.#source.credentials(account.id, 'argon2id')[0]?.value
    const checked = hash ?? (await (this.#decoy ??= hashPassword(randomBytes(16).toString('hex'))))
    const right = await this.#hashes.run(from, () => checkPassword(checked, password), known)
    return right ? hash : undefined
  }

  /** Checks app passwords only. */
  verifyApp(account: DirectoryAccount, password: string): string | undefined {
    return this.#source.credentials(account.id, appCredential).find(({ value }) => checkAppPassword(value, password))
      ?.value
  }

  stands(account: DirectoryAccount, credential: string): boolean {
    return ['argon2id', appCredential].some((type) =>
      this.#source.credentials(account.id, type).some(({ value }) => value === credential),
    )
  }

  scramKeys(account: DirectoryAccount, hash: ScramHash): ParsedScramKeys | undefined {
    const value = this.#source.credentials(account.id, `scram-${hash}`)[0]?.value
    return value === undefined ? undefined : parseScramKeys(value, hash)
  }

  used(account: DirectoryAccount, credential: string): void {
    const app = this.#source.credentials(account.id, appCredential).find(({ value }) => value === credential)
    if (!app || !this.#noteUse) return
    const noted = this.#source.credentials(account.id, appUsedCredential).find(({ name }) => name === app.name)
    const nowMs = this.#clock.now()
    if (nowMs - Number(noted?.value ?? 0) >= useNotedEveryMs) this.#noteUse(account, app.name, nowMs)
  }
}
