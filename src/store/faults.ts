/** What a failed statement or write is about: the room on the disk, the database itself, or the one operation that was tried. */

/** There is no room: it may be tried again later. */
export function isFull(error: unknown): boolean {
  const { code } = error as { code?: string }
  return (
    code === 'ENOSPC' || code === 'EDQUOT' || /SQLITE_FULL|database or disk is full|ENOSPC|EDQUOT/.test(String(error))
  )
}

/** https://sqlite.org/rescode.html, primary codes: nothing that could be tried instead would go better. */
const ofTheDatabase: ReadonlySet<number> = new Set([
  5, // SQLITE_BUSY
  6, // SQLITE_LOCKED
  7, // SQLITE_NOMEM
  8, // SQLITE_READONLY
  10, // SQLITE_IOERR
  11, // SQLITE_CORRUPT
  13, // SQLITE_FULL
  14, // SQLITE_CANTOPEN
  26, // SQLITE_NOTADB
])

/** It is the disk or the database that failed, not what was to be written: another commit would fail as well. */
export function isOfTheDatabase(error: unknown): boolean {
  const { errcode } = error as { errcode?: number }
  if (errcode !== undefined) return ofTheDatabase.has(errcode & 0xff)
  return isFull(error) || /malformed|disk I\/O|readonly database|database is locked|not a database/.test(String(error))
}
