/** Arrival ids begin with their time in milliseconds, base 32, nine characters: they sort by time, and so do ledger rows. */
export function timePrefix(epochMs: number): string {
  return Math.max(0, Math.floor(epochMs)).toString(32).padStart(9, '0')
}
