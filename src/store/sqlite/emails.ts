/** Emails of an account with their messages in all mailboxes, threads, and what became of them: what JMAP asks of the rows. */
import type { AccountId, ModSeq } from '../../mail/ids.ts'
import {
  emailsMax,
  type EmailChange,
  type EmailChanges,
  type EmailMessage,
  type EmailPosition,
  type EmailRow,
  type ThreadRow,
} from '../emails.ts'
import { knownSince } from './changes.ts'
import type { Row, Statements } from './driver.ts'

export function emails(statements: Statements, account: AccountId, ids: readonly number[]): readonly EmailRow[] {
  return ids.slice(0, emailsMax).flatMap((id) => {
    const row = statements
      .sql(
        'SELECT id, thread, dateMs, dateOffset, size, createdModSeq FROM email WHERE id = ? AND account = ? AND refs > 0',
      )
      .get(id, account)
    return row ? [emailOf(statements, row)] : []
  })
}

function emailOf(statements: Statements, row: Row): EmailRow {
  return {
    emailId: row['id'] as number,
    threadId: row['thread'] as number,
    internalDate: { epochMs: row['dateMs'] as number, offsetMinutes: row['dateOffset'] as number },
    sizeBytes: row['size'] as number,
    createdModSeq: row['createdModSeq'] as ModSeq,
    messages: statements
      .sql(
        'SELECT mailbox, uid, modSeq, low AS flagsLow, high AS flagsHigh FROM message WHERE email = ? ORDER BY mailbox, uid',
      )
      .all(row['id'] as number)
      .map((message) => ({ ...message }) as unknown as EmailMessage),
  }
}

export function threads(statements: Statements, account: AccountId, ids: readonly number[]): readonly ThreadRow[] {
  return ids.slice(0, emailsMax).flatMap((threadId) => {
    const emailIds = statements
      .sql(
        `SELECT id FROM (SELECT id, account, refs, dateMs FROM email WHERE id = ?1 AND thread = ?1
         UNION ALL SELECT id, account, refs, dateMs FROM email WHERE thread = ?1 AND thread <> id)
         WHERE account = ?2 AND refs > 0 ORDER BY dateMs, id`,
      )
      .all(threadId, account)
      .map(({ id }) => id as number)
    return emailIds.length > 0 ? [{ threadId, emailIds }] : []
  })
}

/**
 * Behind position (?2, ?3) of account ?1: an event is (modSeq, email), and an email stands where it was created, if that is behind the
 * position, else where it changed last. Only mailboxes that changed are read, and no index is kept for it: it would cost each flag change.
 */
const changesSql = `
  WITH event AS (
    SELECT m.email, m.modSeq, e.thread, e.createdModSeq FROM mailbox b JOIN message m ON m.mailbox = b.id JOIN email e ON e.id = m.email
      WHERE b.account = ?1 AND b.highestModSeq >= ?2 AND (m.modSeq, m.email) > (?2, ?3)
    UNION ALL SELECT email, modSeq, thread, createdModSeq FROM removal WHERE account = ?1 AND (modSeq, email) > (?2, ?3)
  ), changed AS (
    SELECT email, thread, (createdModSeq, email) > (?2, ?3) AS isNew, createdModSeq, max(modSeq) AS modSeq,
      coalesce((SELECT refs > 0 FROM email WHERE id = event.email), 0) AS isThere FROM event GROUP BY email
  )
  SELECT email, thread, isNew, isThere, iif(isNew, createdModSeq, modSeq) AS at FROM changed WHERE isThere OR NOT isNew
  ORDER BY at, email LIMIT ?4`

/** Behind all emails of a modSeq. */
const lastEmail = Number.MAX_SAFE_INTEGER

export function emailChanges(
  statements: Statements,
  account: AccountId,
  after: EmailPosition,
  limit: number,
): EmailChanges | undefined {
  const modSeq = knownSince(statements, account, after.modSeq)
  if (modSeq === undefined) return undefined
  const rows = statements.sql(changesSql).all(account, after.modSeq, after.emailId ?? lastEmail, limit + 1)
  const told = rows.slice(0, limit)
  const changed = told.map(({ email, thread, isNew, isThere }): EmailChange => {
    const kind = !isThere ? 'destroyed' : isNew ? 'created' : 'updated'
    return { kind, emailId: email as number, threadId: thread as number }
  })
  if (rows.length <= limit) return { emails: changed, to: { modSeq }, more: false }
  const last = told.at(-1)!
  const to: EmailPosition = { modSeq: last['at'] as ModSeq, emailId: last['email'] as number }
  return { emails: changed, to, more: true }
}

export function mailboxesGone(
  statements: Statements,
  account: AccountId,
  after: ModSeq,
): readonly number[] | undefined {
  if (knownSince(statements, account, after) === undefined) return undefined
  return statements
    .sql('SELECT mailbox FROM mailboxGone WHERE account = ?1 AND createdModSeq <= ?2 AND modSeq > ?2 ORDER BY modSeq')
    .all(account, after)
    .map(({ mailbox }) => mailbox as number)
}
