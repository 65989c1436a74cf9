/** A queued message is filed: its stored content gets another reference, and is not copied. */
import type { EngineOperation, ResultOf } from '../operations.ts'
import { checkQuota, checkReceives } from '../receiving.ts'
import { StoreRefusal } from '../store.ts'
import type { WriteContext } from './context.ts'
import { fresh, insertFiling, placeFiling } from './deliver.ts'

type FileQueued = Extract<EngineOperation, { kind: 'queueFile' }>

export function fileQueued(context: WriteContext, op: FileQueued): ResultOf<FileQueued> {
  const row = context
    .sql(
      'SELECT q.content, q.prefix, q.acceptedMs, c.size FROM queueEntry q JOIN content c ON c.id = q.content WHERE q.id = ?',
    )
    .get(op.entry)
  if (!row) throw new StoreRefusal('noSuchEntry', `There is no queued message ${op.entry}`)
  const contentId = row['content'] as number
  const prefix = op.prefix + (row['prefix'] as string)
  const mailbox = context.mailbox(op.mailbox)
  const account = context.account(mailbox.account)
  const sizeBytes = (row['size'] as number) + prefix.length
  // What is replayed fitted when it was committed.
  if (!context.replaying) {
    checkReceives(account)
    checkQuota(account, sizeBytes)
  }
  const { low, high } = context.keywords.bits(account.id, op.flags)
  const target = { mailbox, account, prefix, flags: op.flags, recipients: [], uidl: null }
  // A replay gives the same numbers again: what was given between two records was committed with them, or told to no client.
  const placed = placeFiling(context, target, { low, high }, sizeBytes, fresh(context, []))
  const atMs = row['acceptedMs'] as number
  insertFiling(context, placed, contentId, { epochMs: atMs, offsetMinutes: 0 }, atMs, op.threadKeys)
  context.sql('UPDATE content SET refs = refs + 1 WHERE id = ?').run(contentId)
  if (op.facts) {
    const { sentDay, envelope, body, bodyStructure } = op.facts
    context
      .sql('UPDATE content SET sentDay = ?, envelope = ?, body = ?, bodyStructure = ? WHERE id = ?')
      .run(sentDay, envelope, body, bodyStructure, contentId)
  }
  return { uid: placed.uid }
}
