/** Message tables kept as one blob each: read in a tenth of the time of their rows. A cache: without one the rows are read. */
import type { TablePage } from '../engine.ts'
import type { EngineOperation } from '../operations.ts'
import type { WriteContext } from './context.ts'
import type { Statements } from './driver.ts'
import { eachMessage } from './packed.ts'

/** modSeq, UID and two words of flags. */
const messageBytes = 8 + 4 + 4 + 4

/** Column by column, in the byte order of this machine: a backup that another one reads drops it. */
export function encodeTable({ uids, flagsLow, flagsHigh, modSeqs }: TablePage): Uint8Array {
  const columns = [modSeqs, uids, flagsLow, flagsHigh]
  return Buffer.concat(columns.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)))
}

function decodeTable(bytes: Uint8Array): TablePage {
  const count = bytes.length / messageBytes
  // Copied, since the columns must begin at multiples of their size.
  const { buffer } = new Uint8Array(bytes)
  return {
    modSeqs: new Float64Array(buffer, 0, count),
    uids: new Uint32Array(buffer, count * 8, count),
    flagsLow: new Uint32Array(buffer, count * 12, count),
    flagsHigh: new Uint32Array(buffer, count * 16, count),
    isKept: true,
  }
}

/** The messages of a mailbox as they were kept, if none has changed since; newer ones may be missing. */
export function readSnapshot(statements: Statements, mailbox: number): TablePage | undefined {
  const row = statements
    .sql(
      'SELECT s.messages FROM snapshot s JOIN mailbox m ON m.id = s.mailbox WHERE s.mailbox = ? AND m.editModSeq <= s.highestModSeq',
    )
    .get(mailbox)
  return row && decodeTable(row['messages'] as Uint8Array)
}

/** Where a kept table differs from its rows, as sentences; one for each table. */
export function* falseSnapshots(statements: Statements): Generator<string> {
  const mailboxes = statements.sql('SELECT mailbox FROM snapshot ORDER BY mailbox').all()
  for (const row of mailboxes) {
    const mailbox = row['mailbox'] as number
    const kept = readSnapshot(statements, mailbox)
    if (!kept) continue
    let at = 0
    let isSame = true
    const last = kept.uids.at(-1) ?? 0
    eachMessage(statements, mailbox, 1, last, (uid, low, high, modSeq) => {
      const [keptUid, keptLow, keptHigh] = [kept.uids[at], kept.flagsLow[at], kept.flagsHigh[at]]
      isSame &&= keptUid === uid && keptLow === low && keptHigh === high && kept.modSeqs[at] === modSeq
      at++
    })
    if (!isSame || at !== kept.uids.length) yield `The kept table of mailbox ${mailbox} is not what its rows say`
  }
}

export function keepSnapshot(context: WriteContext, op: Extract<EngineOperation, { kind: 'snapshot' }>): null {
  if (context.findMailbox(op.mailbox))
    context
      .sql('INSERT OR REPLACE INTO snapshot (mailbox, highestModSeq, messages) VALUES (?, ?, ?)')
      .run(op.mailbox, op.highestModSeq, op.messages)
  return null
}
