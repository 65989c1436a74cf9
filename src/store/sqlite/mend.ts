/** Writes what `reindex` found to differ from the bytes. */
import type { EngineOperation } from '../operations.ts'
import type { WriteContext } from './context.ts'

export function mendFacts(context: WriteContext, op: Extract<EngineOperation, { kind: 'reindex' }>): null {
  for (const { content, envelope, body, bodyStructure, sentDay } of op.contents) {
    context
      .sql('UPDATE content SET envelope = ?, body = ?, bodyStructure = ?, sentDay = ? WHERE id = ?')
      .run(envelope, body, bodyStructure, sentDay, content)
  }
  for (const { account, thread, keys } of op.threads) {
    // The account may have gone meanwhile, and nothing would ever take its keys away.
    if (!context.sql('SELECT 1 FROM account WHERE id = ?').get(account)) continue
    for (const key of keys) {
      context.sql('INSERT OR IGNORE INTO threadKey (account, key, thread) VALUES (?, ?, ?)').run(account, key, thread)
    }
  }
  return null
}
