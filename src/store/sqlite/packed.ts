/** Many small rows as one text: the engine makes one string instead of thousands of objects, which is three times as quick. */
import type { ModSeq, Uid } from '../../mail/ids.ts'
import type { Statements } from './driver.ts'

/** Rows of one text: some 200 KB. */
export const packedRows = 8192

type TakeFour = (a: number, b: number, c: number, d: number) => void

/** Whole numbers, parted by single spaces, handed to `take` in groups of four. */
export function takeFours(packed: string, take: TakeFour): void {
  const { length } = packed
  let at = 0
  const number = (): number => {
    let value = 0
    for (; at < length; at++) {
      const digit = packed.charCodeAt(at) - 48
      if (digit < 0) break
      value = value * 10 + digit
    }
    at++
    return value
  }
  while (at < length) take(number(), number(), number(), number())
}

export type TakeMessage = (uid: Uid, low: number, high: number, modSeq: ModSeq) => void

/** Messages of a mailbox with first ≤ UID ≤ last, in UID order. */
export function eachMessage(
  statements: Statements,
  mailbox: number,
  first: number,
  last: number,
  take: TakeMessage,
): void {
  if (first === last) {
    const row = statements
      .sql('SELECT uid, low, high, modSeq FROM message WHERE mailbox = ? AND uid = ?')
      .get(mailbox, first)
    if (row) take(row['uid'] as Uid, row['low'] as number, row['high'] as number, row['modSeq'] as ModSeq)
    return
  }
  let from = first
  while (from <= last) {
    const page = messagePage(statements, mailbox, from, last)
    if (page.count > 0) takeFours(page.packed, take as TakeFour)
    if (page.count < packedRows) return
    from = page.last + 1
  }
}

/** @param after only messages that changed behind this modSeq. */
export function messagePage(
  statements: Statements,
  mailbox: number,
  first: number,
  last: number,
  after = 0,
): { readonly packed: string; readonly count: number; readonly last: number } {
  const row = statements
    .sql(
      `SELECT group_concat(uid || ' ' || low || ' ' || high || ' ' || modSeq, ' ') AS packed, count(*) AS n, max(uid) AS last FROM
       (SELECT uid, low, high, modSeq FROM message WHERE mailbox = ? AND uid BETWEEN ? AND ? ${after === 0 ? '' : 'AND modSeq > ?'} ORDER BY uid LIMIT ${packedRows})`,
    )
    .get(...(after === 0 ? [mailbox, first, last] : [mailbox, first, last, after]))!
  return {
    packed: (row['packed'] as string | null) ?? '',
    count: row['n'] as number,
    last: (row['last'] as number | null) ?? 0,
  }
}
