/** What every script has without `require`. RFC 5228. */
import type { Extension } from '../declare.ts'
import { discard, keep, redirect, stop } from './actions.ts'
import { address, addressParts } from './address.ts'
import { exists, header, size } from './header.ts'
import { allof, always, anyof, never, not } from './logic.ts'
import { contains, is, matches } from './match-types.ts'

export const core: Extension = {
  capabilities: [],
  actions: [stop, keep, discard, redirect],
  tests: [address, allof, anyof, exists, never, header, not, size, always],
  matchTypes: [is, contains, matches],
  addressParts,
}
