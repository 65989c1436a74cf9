/**
 * Makes old rows fit to go on: between the backup and now, numbers were given that the rows do not know, and clients remember them.
 * No number may be given a second time, so all counters jump ahead. RFC 9051 §2.3.1.1, RFC 7162 §3.1, RFC 8474 §4.
 */
import type { Database } from './driver.ts'
import { jumpModSeqs, jumpUids, uidGap, uidMax, uidNextAfter } from './jump.ts'

const idGap = 1_000_000_000

export function rebase(db: Database, nowMs: number): void {
  const nowSeconds = Math.floor(nowMs / 1000)
  db.exec('BEGIN IMMEDIATE')
  try {
    // A mailbox that was made since, and is made again, must have another uidValidity: accounts begin with their second and count up.
    db.prepare('UPDATE account SET uidValidity = max(uidValidity + 1, ?)').run(nowSeconds)
    jumpModSeqs(db)
    // Messages that came since are gone: clients hear VANISHED for the UIDs that they may have had.
    db.prepare(
      `INSERT INTO expunged (mailbox, modSeq, first, last, atMs)
       SELECT id, (SELECT a.modSeq FROM account a WHERE a.id = mailbox.account), uidNext, ${uidNextAfter} - 1, ? FROM mailbox WHERE uidNext < ${uidMax}`,
    ).run(nowMs)
    jumpUids(db)
    db.exec(
      `UPDATE log SET nextContent = nextContent + ${idGap}, nextEmail = nextEmail + ${idGap},
       nextEntry = nextEntry + ${idGap}, nextRecipient = nextRecipient + ${idGap}, late = x''`,
    )
    // Mailbox ids are told to clients as well.
    db.exec(`UPDATE sqlite_sequence SET seq = seq + ${uidGap} WHERE name IN ('mailbox', 'account')`)
    db.exec("UPDATE recipient SET state = 'deferred', leasedUntilMs = 0 WHERE state = 'leased'")
    db.exec('COMMIT')
  } catch (error) {
    db.exec('ROLLBACK')
    throw error
  }
}

/** What waited at the time of the backup may have gone out since. */
export function holdQueue(db: Database): number {
  return Number(db.prepare("UPDATE recipient SET state = 'held' WHERE state <> 'held'").run().changes)
}
