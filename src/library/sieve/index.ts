/** The public API of `pennypost/sieve`: scripts that decide what happens to mail. RFC 5228. */
export * from '../../sieve/index.ts'
export { parseHeader } from '../../mail/header.ts'
export { runSieve, withEdits } from './run-sieve.ts'
export type { RunSieveOptions, SieveHost, SieveRun } from './run-sieve.ts'
