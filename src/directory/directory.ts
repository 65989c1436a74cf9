/** Who the accounts are and how their passwords are known: the store's own rows, or somebody else's directory. */
import type { ParsedScramKeys, ScramHash } from './scram-keys.ts'

export interface DirectoryAccount {
  /** Of the store; 0 while it has none. */
  readonly id: number
  /** `user@domain`, as it is kept. */
  readonly name: string
  readonly disabled: boolean
  /** As the store has it; absent where it has no such account yet. */
  readonly restriction?: 'none' | 'held' | 'locked'
}

/** Why it may not sign in; undefined: it may. */
export function shutOut({ disabled, restriction }: DirectoryAccount): 'disabled' | 'locked' | undefined {
  return disabled ? 'disabled' : restriction === 'locked' ? 'locked' : undefined
}

type Soon<T> = T | Promise<T>

/** Anything may take its time. What cannot be told now throws a Refusal. */
export interface Directory {
  /** @param name canonical: lower case, NFC. */
  find(name: string): Soon<DirectoryAccount | undefined>
  /**
   * Takes as long for nobody (`undefined`) as for a wrong password.
   * @param from where the question comes from: they take turns.
   * @param known the account has signed in from there: it does not wait behind those who guess.
   * @returns a name of the credential that the password matches, for `stands`.
   */
  verify(
    account: DirectoryAccount | undefined,
    password: string,
    from: string,
    known: boolean,
  ): Promise<string | undefined>
  /** Whether a credential still holds: a password that was checked is remembered only so long. */
  stands(account: DirectoryAccount, credential: string): Soon<boolean>
  /** undefined: it has none, of this hash or at all. */
  scramKeys(account: DirectoryAccount, hash: ScramHash): Soon<ParsedScramKeys | undefined>
  /** Somebody has proved to be it: from now on it is an account of the store, with mailboxes. Without this it always is. */
  settle?(account: DirectoryAccount): Promise<DirectoryAccount>
  /** Somebody has signed in by it. */
  used?(account: DirectoryAccount, credential: string): void
}
