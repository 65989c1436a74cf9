/**
 * Numbers were given that the rows do not know, and clients remember them: no UID and no modSeq may be given a second time, so all jump ahead.
 * RFC 9051 §2.3.1.1, RFC 7162 §3.1.
 */
import type { Database } from './driver.ts'

/** More UIDs than are given between a backup and its restore, or in what the log has lost; enough of them for 4000 times. */
export const uidGap = 1_000_000
export const uidMax = 0xffff_fffe
/** Every message gets a new modSeq, so that clients that resynchronise fetch all flags again. */
const modSeqGap = 1_000_000_000

export const uidNextAfter = `min(uidNext + ${uidGap}, ${uidMax})`
const modSeqOfAccount = '(SELECT a.modSeq FROM account a WHERE a.id = mailbox.account)'

/** Of accounts; what else was deleted is not known, so nothing can be told of what changed before. */
export function jumpModSeqs(db: Database): void {
  db.exec(`UPDATE account SET modSeq = modSeq + ${modSeqGap}, forgottenModSeq = modSeq + ${modSeqGap}`)
}

/** Those of mailboxes and messages follow their account's. */
export function jumpUids(db: Database): void {
  db.exec(
    `UPDATE mailbox SET uidNext = ${uidNextAfter}, highestModSeq = ${modSeqOfAccount}, editModSeq = ${modSeqOfAccount} WHERE uidNext < ${uidMax}`,
  )
  db.exec('UPDATE message SET modSeq = (SELECT b.highestModSeq FROM mailbox b WHERE b.id = message.mailbox)')
  // They have the modSeqs of before.
  db.exec('DELETE FROM snapshot')
}
