/** What the clients of a crash run were promised, kept outside the server, and what they find afterwards. */

/** One mailbox of one account as its clients know it. */
export class MailboxExpectation {
  /** Messages that must be there: acknowledged, and nobody began to remove them. */
  readonly filed = new Set<number>()
  /** Messages of which nothing is known: the answer was lost with the connection. */
  readonly unsure = new Set<number>()
  /** Which message a UID was seen to be: it must stay so for ever. */
  readonly byUid = new Map<number, number>()
  readonly flagged = new Set<number>()
  readonly #removing = new Set<number>()
  readonly removed = new Set<number>()
  /** Copies acknowledged, and begun, of each message: only Archive has them. */
  readonly copies = new Map<number, number>()
  readonly copiesBegun = new Map<number, number>()
  uidMax = 0

  acknowledge(n: number): void {
    // A client that looks can see, and remove, a message before its sender has read the 250.
    if (!this.#removing.has(n)) this.filed.add(n)
  }

  removing(n: number): void {
    this.#removing.add(n)
    this.filed.delete(n)
  }

  saw(uid: number, n: number): string | undefined {
    this.uidMax = Math.max(this.uidMax, uid)
    const before = this.byUid.get(uid)
    this.byUid.set(uid, n)
    return before !== undefined && before !== n ? `UID ${uid} was message ${before} and is message ${n}` : undefined
  }
}

export function bodyOf(n: number): string {
  return `${`message ${n} `.repeat(1 + ((n * 7919) % 400))}\r\n`
}

export function messageOf(n: number): Buffer {
  return Buffer.from(
    `From: x@elsewhere.test\r\nTo: a@example.test\r\nSubject: n${n}\r\nMessage-ID: <n${n}@elsewhere.test>\r\n\r\n${bodyOf(n)}end\r\n`,
  )
}

/** Which message the bytes are; undefined when any byte of it is wrong. */
export function numberOf(bytes: Uint8Array): number | undefined {
  const text = Buffer.from(bytes).toString('latin1')
  const n = Number(/Subject: n(\d+)\r\n/.exec(text)?.[1])
  const own = messageOf(n).toString('latin1')
  return text.endsWith(own) ? n : undefined
}

export type FoundMessage = { readonly uid: number; readonly n: number | undefined; readonly flagged: boolean }

/** Sentences about what is wrong. */
export function compare(
  name: string,
  expected: MailboxExpectation,
  found: readonly FoundMessage[],
  uidNext: number,
): string[] {
  const faults: string[] = []
  const counts = new Map<number, number>()
  if (uidNext <= expected.uidMax)
    faults.push(`${name}: UIDNEXT ${uidNext} is below UID ${expected.uidMax}, which was given`)
  for (const { uid, n, flagged } of found) {
    if (n === undefined) {
      faults.push(`${name}: message with UID ${uid} is damaged`)
      continue
    }
    counts.set(n, (counts.get(n) ?? 0) + 1)
    if (expected.removed.has(uid)) faults.push(`${name}: UID ${uid} was expunged and is back`)
    if (expected.flagged.has(uid) && !flagged) faults.push(`${name}: UID ${uid} lost its flag`)
    const moved = expected.saw(uid, n)
    if (moved) faults.push(`${name}: ${moved}`)
  }
  for (const n of expected.filed) if (!counts.has(n)) faults.push(`${name}: acknowledged message ${n} is gone`)
  for (const [n, count] of counts) {
    const allowed = expected.copiesBegun.get(n) ?? 1
    if (count > allowed) faults.push(`${name}: message ${n} is there ${count} times`)
    if (count < (expected.copies.get(n) ?? 0)) faults.push(`${name}: a copy of message ${n} is gone`)
  }
  for (const [n, count] of expected.copies)
    if (count > 0 && !counts.has(n)) faults.push(`${name}: all copies of ${n} are gone`)
  return faults
}
