/** What must be true of the rows of a store: each check is a query that finds what breaks it. docs/architecture.md §1, §4–§9. */
import { deletedBit, seenBit } from '../../mail/flags.ts'
import type { Row } from './driver.ts'

export interface RowCheck {
  readonly name: string
  /** Finds the rows that are wrong: none in a sound store. Grouped and joined, never a scan per row. */
  readonly sql: string
  readonly tell: (row: Row) => string
}

/** What a mailbox really holds. */
const held = `
  SELECT m.mailbox, count(*) AS messages, sum(e.size) AS sizeBytes, sum(m.low & ${seenBit} = 0) AS unseen,
    sum(m.low & ${deletedBit} <> 0) AS deleted, max(m.uid) AS uid, max(m.modSeq) AS modSeq
  FROM message m LEFT JOIN email e ON e.id = m.email GROUP BY m.mailbox`

function counter(column: string, words: string): RowCheck {
  return {
    name: `mailbox.${column}`,
    sql: `WITH held AS MATERIALIZED (${held})
      SELECT b.id, b.name, a.name AS account, b.${column} AS said, coalesce(h.${column}, 0) AS found
      FROM mailbox b LEFT JOIN account a ON a.id = b.account LEFT JOIN held h ON h.mailbox = b.id
      WHERE b.${column} <> coalesce(h.${column}, 0)`,
    tell: ({ name, account, said, found }) => `Mailbox ${name} of ${account} says ${said} ${words}, and has ${found}`,
  }
}

export const ledgerOutcomes = ['queued', 'quarantined', 'filed', 'relayed', 'bounced', 'discarded'] as const

export const rowChecks: readonly RowCheck[] = [
  {
    name: 'message.mailbox',
    sql: 'SELECT mailbox, count(*) AS n FROM message WHERE mailbox NOT IN (SELECT id FROM mailbox) GROUP BY mailbox',
    tell: ({ mailbox, n }) => `${n} messages are in mailbox ${mailbox}, which does not exist`,
  },
  {
    name: 'message.email',
    sql: 'SELECT m.mailbox, m.uid, m.email FROM message m LEFT JOIN email e ON e.id = m.email WHERE e.id IS NULL',
    tell: ({ mailbox, uid, email }) => `Message ${uid} of mailbox ${mailbox} is email ${email}, which does not exist`,
  },
  {
    name: 'email.content',
    sql: 'SELECT e.id, e.content FROM email e LEFT JOIN content c ON c.id = e.content WHERE c.id IS NULL',
    tell: ({ id, content }) => `Email ${id} has content ${content}, which does not exist`,
  },
  {
    name: 'email.refs',
    sql: `SELECT e.id, e.refs, coalesce(h.n, 0) AS n FROM email e
      LEFT JOIN (SELECT email, count(*) AS n FROM message GROUP BY email) h ON h.email = e.id WHERE e.refs <> coalesce(h.n, 0)`,
    tell: ({ id, refs, n }) => `Email ${id} counts ${refs} messages, and has ${n}`,
  },
  {
    name: 'email.size',
    sql: `SELECT e.id, e.size, c.size + length(e.prefix) AS found FROM email e JOIN content c ON c.id = e.content
      WHERE e.size <> c.size + length(e.prefix)`,
    tell: ({ id, size, found }) => `Email ${id} says ${size} bytes, and prefix and content have ${found}`,
  },
  {
    name: 'content.refs',
    sql: `SELECT c.id, c.refs, coalesce(h.n, 0) AS n FROM content c LEFT JOIN (
        SELECT content, count(*) AS n FROM (SELECT content FROM email UNION ALL SELECT content FROM queueEntry) GROUP BY content
      ) h ON h.content = c.id WHERE c.refs <> coalesce(h.n, 0)`,
    tell: ({ id, refs, n }) => `Content ${id} counts ${refs} holders, and has ${n}`,
  },
  {
    name: 'segmentUse',
    sql: `SELECT s.segment, s.liveBytes, coalesce(h.bytes, 0) AS found FROM segmentUse s
      LEFT JOIN (SELECT segment, sum(size) AS bytes FROM content WHERE file IS NULL GROUP BY segment) h ON h.segment = s.segment
      WHERE s.liveBytes <> coalesce(h.bytes, 0)
      UNION ALL SELECT segment, 0, sum(size) FROM content WHERE file IS NULL AND segment NOT IN (SELECT segment FROM segmentUse)
      GROUP BY segment HAVING sum(size) > 0`,
    tell: ({ segment, liveBytes, found }) => `Segment ${segment} says ${liveBytes} bytes in use, and holds ${found}`,
  },
  {
    name: 'mailbox.account',
    sql: 'SELECT id, name, account FROM mailbox WHERE account NOT IN (SELECT id FROM account)',
    tell: ({ id, name, account }) => `Mailbox ${id} (${name}) belongs to account ${account}, which does not exist`,
  },
  counter('messages', 'messages'),
  counter('unseen', 'unseen messages'),
  counter('deleted', 'messages marked as deleted'),
  counter('sizeBytes', 'bytes'),
  {
    name: 'mailbox.uidNext',
    sql: `SELECT b.id, b.name, b.uidNext, max(coalesce(m.uid, 0), coalesce(x.uid, 0)) AS found FROM mailbox b
      LEFT JOIN (SELECT mailbox, max(uid) AS uid FROM message GROUP BY mailbox) m ON m.mailbox = b.id
      LEFT JOIN (SELECT mailbox, max(last) AS uid FROM expunged GROUP BY mailbox) x ON x.mailbox = b.id
      WHERE b.uidNext <= max(coalesce(m.uid, 0), coalesce(x.uid, 0))`,
    tell: ({ id, name, uidNext, found }) =>
      `Mailbox ${id} (${name}) would give UID ${uidNext} next, and UID ${found} was given already`,
  },
  {
    name: 'message.uid',
    sql: `SELECT x.mailbox, m.uid FROM expunged x JOIN message m ON m.mailbox = x.mailbox AND m.uid BETWEEN x.first AND x.last`,
    tell: ({ mailbox, uid }) => `UID ${uid} of mailbox ${mailbox} was expunged, and is a message again`,
  },
  {
    name: 'mailbox.highestModSeq',
    sql: `WITH held AS MATERIALIZED (SELECT mailbox, max(modSeq) AS modSeq FROM message GROUP BY mailbox)
      SELECT b.id, b.name, b.highestModSeq, h.modSeq FROM mailbox b JOIN held h ON h.mailbox = b.id WHERE h.modSeq > b.highestModSeq`,
    tell: ({ id, name, highestModSeq, modSeq }) =>
      `Mailbox ${id} (${name}) says ${highestModSeq} is its highest modSeq, and a message has ${modSeq}`,
  },
  {
    name: 'account.modSeq',
    sql: `SELECT a.name, a.modSeq, max(b.highestModSeq) AS found FROM account a JOIN mailbox b ON b.account = a.id
      GROUP BY a.id HAVING max(b.highestModSeq) > a.modSeq`,
    tell: ({ name, modSeq, found }) => `Account ${name} is at modSeq ${modSeq}, and one of its mailboxes at ${found}`,
  },
  {
    name: 'email.createdModSeq',
    sql: `SELECT m.mailbox, m.uid, m.modSeq, e.id, e.createdModSeq FROM message m JOIN email e ON e.id = m.email WHERE e.createdModSeq > m.modSeq`,
    tell: ({ mailbox, uid, modSeq, id, createdModSeq }) =>
      `Email ${id} was created at modSeq ${createdModSeq}, and is message ${uid} of mailbox ${mailbox} with ${modSeq}`,
  },
  {
    name: 'account.forgottenModSeq',
    sql: `SELECT a.name, a.modSeq, max(a.forgottenModSeq, coalesce(r.modSeq, 0), coalesce(g.modSeq, 0), coalesce(p.modSeq, 0)) AS found FROM account a
      LEFT JOIN (SELECT account, max(modSeq) AS modSeq FROM removal GROUP BY account) r ON r.account = a.id
      LEFT JOIN (SELECT account, max(modSeq) AS modSeq FROM mailboxGone GROUP BY account) g ON g.account = a.id
      LEFT JOIN (SELECT account, max(propertyModSeq) AS modSeq FROM mailbox GROUP BY account) p ON p.account = a.id
      WHERE found > a.modSeq`,
    tell: ({ name, modSeq, found }) => `Account ${name} is at modSeq ${modSeq}, and its changes speak of ${found}`,
  },
  {
    name: 'removal.account',
    sql: `SELECT account, count(*) AS n FROM (SELECT account FROM removal UNION ALL SELECT account FROM mailboxGone)
      WHERE account NOT IN (SELECT id FROM account) GROUP BY account`,
    tell: ({ account, n }) => `${n} removals are of account ${account}, which does not exist`,
  },
  {
    name: 'account.used',
    sql: `WITH held AS MATERIALIZED (${held})
      SELECT a.name, a.usedBytes, a.usedMessages, coalesce(sum(h.sizeBytes), 0) AS bytes, coalesce(sum(h.messages), 0) AS messages
      FROM account a LEFT JOIN mailbox b ON b.account = a.id LEFT JOIN held h ON h.mailbox = b.id
      GROUP BY a.id HAVING a.usedBytes <> coalesce(sum(h.sizeBytes), 0) OR a.usedMessages <> coalesce(sum(h.messages), 0)`,
    tell: ({ name, usedBytes, usedMessages, bytes, messages }) =>
      `Account ${name} says ${usedMessages} messages of ${usedBytes} bytes, and has ${messages} of ${bytes}`,
  },
  ...Object.entries({ accounts: 'account', messages: 'message', contents: 'content', recipients: 'recipient' }).map(
    ([column, table]): RowCheck => ({
      name: `log.${column}`,
      sql: `SELECT l.${column} AS said, c.n FROM log l, (SELECT count(*) AS n FROM ${table}) c WHERE l.${column} <> c.n`,
      tell: ({ said, n }) => `The row of the log says ${said} ${column} in all, and there are ${n}`,
    }),
  ),
  {
    name: 'queueEntry.recipients',
    sql: `SELECT q.id, q.recipients, coalesce(h.n, 0) AS n FROM queueEntry q
      LEFT JOIN (SELECT entry, count(*) AS n FROM recipient GROUP BY entry) h ON h.entry = q.id
      WHERE q.recipients <> coalesce(h.n, 0) OR q.recipients = 0`,
    tell: ({ id, recipients, n }) => `Queue entry ${id} counts ${recipients} recipients, and has ${n}`,
  },
  {
    name: 'queueEntry.content',
    sql: 'SELECT q.id, q.content FROM queueEntry q LEFT JOIN content c ON c.id = q.content WHERE c.id IS NULL',
    tell: ({ id, content }) => `Queue entry ${id} has content ${content}, which does not exist`,
  },
  {
    name: 'recipient.ledger',
    sql: `SELECT r.id, r.address, l.outcome FROM recipient r LEFT JOIN queueEntry q ON q.id = r.entry
      LEFT JOIN ledger l ON l.arrivalId = q.arrivalId AND l.n = r.n WHERE l.outcome IS NULL OR l.outcome <> 'queued'`,
    tell: ({ id, address, outcome }) =>
      outcome === null
        ? `Recipient ${id} (${address}) waits in the queue, and no row of the ledger knows it`
        : `Recipient ${id} (${address}) waits in the queue, and the ledger says it was ${outcome}`,
  },
  {
    name: 'ledger.queued',
    sql: `SELECT l.arrivalId, l.n, l.recipient FROM ledger l LEFT JOIN (
        SELECT q.arrivalId, r.n FROM recipient r JOIN queueEntry q ON q.id = r.entry
      ) w ON w.arrivalId = l.arrivalId AND w.n = l.n WHERE l.outcome = 'queued' AND w.n IS NULL`,
    tell: ({ arrivalId, recipient }) =>
      `Message ${arrivalId} to ${recipient} is queued, says the ledger, and it does not wait in the queue: it is lost`,
  },
  {
    name: 'quarantine',
    sql: 'SELECT segment, position, reason, recipients FROM quarantine',
    tell: ({ segment, position, reason, recipients }) =>
      `The record at ${segment}:${position} was set aside (${reason}), for ${(JSON.parse(recipients as string) as string[]).join(', ') || 'recipients that it does not name'}: "pennypost quarantine" deals with it`,
  },
  {
    name: 'ledger.outcome',
    sql: `SELECT arrivalId, recipient, outcome, endedMs FROM ledger WHERE outcome NOT IN (${ledgerOutcomes.map((name) => `'${name}'`).join(', ')})
      OR (outcome IN ('queued', 'quarantined')) <> (endedMs IS NULL)`,
    tell: ({ arrivalId, recipient, outcome, endedMs }) =>
      `Message ${arrivalId} to ${recipient} ended as "${outcome}" ${endedMs === null ? 'at no time' : `at ${endedMs}`}, which cannot be`,
  },
]
