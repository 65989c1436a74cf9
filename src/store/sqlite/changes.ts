/** What changed in an account behind a modSeq, as changes: for nodes that missed news. docs/architecture.md §7. */
import type { AccountId, ModSeq, Uid } from '../../mail/ids.ts'
import type { Change } from '../changes.ts'
import { joinedRanges } from '../joined-ranges.ts'
import { StoreRefusal } from '../store.ts'
import type { Statements } from './driver.ts'
import { messagePage, packedRows, takeFours } from './packed.ts'

/** Expunged runs of one page. */
const runsMax = 4096

interface Known {
  readonly modSeq: ModSeq
  /** What changed before it is not all known any more. */
  readonly forgottenModSeq: ModSeq
}

/** How far an account is; undefined: it is gone. */
function knownOf(statements: Statements, account: AccountId): Known | undefined {
  return statements.sql('SELECT modSeq, forgottenModSeq FROM account WHERE id = ?').get(account) as unknown as
    Known | undefined
}

/** @returns how far the account is; undefined where changes behind `after` are not all known any more. Throws StoreRefusal without the account. */
export function knownSince(statements: Statements, account: AccountId, after: ModSeq): ModSeq | undefined {
  const known = knownOf(statements, account)
  if (!known) throw new StoreRefusal('noSuchAccount', `No account with id ${account}`)
  return after < known.forgottenModSeq ? undefined : known.modSeq
}

/** No statement lives across a page. Nothing, if the account is gone. */
export function* accountChanges(
  statements: Statements,
  account: AccountId,
  asked: ModSeq,
): Generator<readonly Change[], void> {
  const known = knownOf(statements, account)
  if (!known) return
  const after = Math.max(asked, known.forgottenModSeq) as ModSeq
  yield [
    { kind: 'account', account, after, modSeq: known.modSeq },
    { kind: 'mailboxes', account },
    ...statements
      .sql('SELECT bit, name FROM keyword WHERE account = ? ORDER BY bit')
      .all(account)
      .map(({ bit, name }): Change => ({ kind: 'flagName', account, bit: bit as number, name: name as string })),
    ...statements
      .sql('SELECT mailbox FROM mailboxGone WHERE account = ? AND modSeq > ?')
      .all(account, after)
      .map(({ mailbox }): Change => ({ kind: 'mailboxGone', account, mailbox: mailbox as number })),
  ]
  const mailboxes = statements
    .sql('SELECT id FROM mailbox WHERE account = ? AND highestModSeq > ? ORDER BY name')
    .all(account, after)
  for (const { id } of mailboxes) {
    // An expunge tells of UIDs that there were: what comes behind it with a smaller one is none of the new messages.
    yield* messagesOf(statements, account, id as number, after)
    yield* expungedOf(statements, account, id as number, after)
  }
  // The sweep may have been quicker than the reader.
  const now = knownOf(statements, account)
  if (now && now.forgottenModSeq > after)
    yield [{ kind: 'account', account, after: now.forgottenModSeq, modSeq: known.modSeq }]
}

function* expungedOf(
  statements: Statements,
  account: AccountId,
  mailbox: number,
  after: ModSeq,
): Generator<readonly Change[], void> {
  for (let from = 0; ;) {
    const rows = statements
      .sql(
        `SELECT modSeq, first, last FROM expunged WHERE mailbox = ? AND modSeq > ? AND first > ? ORDER BY first LIMIT ${runsMax}`,
      )
      .all(mailbox, after, from)
    if (rows.length === 0) return
    const uids = joinedRanges(rows.map(({ first, last }) => [first as number, last as number]))
    const modSeq = rows.reduce((max, row) => Math.max(max, row['modSeq'] as number), 0) as ModSeq
    yield [{ kind: 'expunged', account, mailbox, modSeq, uids }]
    if (rows.length < runsMax) return
    // No two runs begin with the same message.
    from = rows.at(-1)!['first'] as number
  }
}

function* messagesOf(
  statements: Statements,
  account: AccountId,
  mailbox: number,
  after: ModSeq,
): Generator<readonly Change[], void> {
  for (let from = 1; ;) {
    const { packed, count, last } = messagePage(statements, mailbox, from, 0xffff_ffff, after)
    if (count === 0) return
    const uids: Uid[] = []
    const flagsLow: number[] = []
    const flagsHigh: number[] = []
    const modSeqs: ModSeq[] = []
    takeFours(packed, (uid, low, high, modSeq) => {
      uids.push(uid as Uid)
      flagsLow.push(low)
      flagsHigh.push(high)
      modSeqs.push(modSeq as ModSeq)
    })
    yield [{ kind: 'messages', account, mailbox, uids, flagsLow, flagsHigh, modSeqs }]
    if (count < packedRows) return
    from = last + 1
  }
}
