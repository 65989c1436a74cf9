/** Who can tell whether a password is right: handed to every protocol by `system.ts`. */
import type { Peer } from '../../base/network.ts'

/** A user who has proved who he is. Only an `Authenticator` makes one: a step that needs a user takes this. */
export interface Authenticated {
  readonly accountId: number
  /** The account's own address, as `user@domain`. */
  readonly name: string
}

export interface Authenticator {
  /**
   * Checks a password. Takes as long for an unknown user as for a wrong password.
   * @returns null: wrong, unknown or disabled, whichever. Throws a Refusal when it cannot be told now (454 4.7.0).
   */
  verifyPassword(user: string, password: string, peer: Peer): Promise<Authenticated | null>
}
