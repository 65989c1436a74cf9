/** For how long the sweep keeps what is only looked up: the same in every engine. */

/** A client that was offline for longer resynchronises from scratch. RFC 7162 §3.2.5.2 allows a server to forget. */
export const expungedKeepDays = 90
/** How long finished deliveries can be looked up. */
export const ledgerKeepDays = 365
export const dayMs = 86_400_000
