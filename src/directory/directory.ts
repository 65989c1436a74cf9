/** The interface to accounts and their passwords: the store's own rows, or an external directory. */
import type { AccountId } from '../mail/ids.ts'
import type { AddressSource } from './aliases.ts'
import type { ParsedScramKeys, ScramHash } from './scram-keys.ts'

export interface DirectoryAccount {
  /** The account's id in the store; 0 while it has none. */
  readonly id: AccountId
  /** `user@domain`, as it is kept. */
  readonly name: string
  readonly disabled: boolean
  /** As in the store; absent if the account is not there yet. */
  readonly restriction?: 'none' | 'held' | 'locked'
}

/** Why it may not sign in; undefined: it may. */
export function shutOut({ disabled, restriction }: DirectoryAccount): 'disabled' | 'locked' | undefined {
  return disabled ? 'disabled' : restriction === 'locked' ? 'locked' : undefined
}

/** Who has an account, and what an address stands for. Each call may have to wait, and throws a Refusal if there is no answer now. */
export interface Directory extends AddressSource {
  /** The account that signs in by this name. @param name canonical: lower case, NFC. */
  find(name: string): Promise<DirectoryAccount | undefined>
  /**
   * Takes as long for an unknown user (`undefined`) as for a wrong password.
   * @param from the client's address: addresses take turns.
   * @param known the account has signed in from there: it does not wait behind guesses.
   * @returns a name of the credential that the password matches, for `stands`.
   */
  verify(
    account: DirectoryAccount | undefined,
    password: string,
    from: string,
    known: boolean,
  ): Promise<string | undefined>
  /** Whether a credential still holds: a password that was checked is remembered only so long. */
  stands(account: DirectoryAccount, credential: string): Promise<boolean>
  /** undefined: it has none, of this hash or at all. */
  scramKeys(account: DirectoryAccount, hash: ScramHash): Promise<ParsedScramKeys | undefined>
  /** Called after a successful check: makes it an account of the store, with mailboxes. Absent if it always is one. */
  settle?(account: DirectoryAccount): Promise<DirectoryAccount>
  /** Called after a sign-in with this credential. */
  used?(account: DirectoryAccount, credential: string): Promise<void>
}
