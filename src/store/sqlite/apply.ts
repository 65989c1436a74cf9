/** Every operation but arrivals, by its kind: where its rows are written. */
import type { EngineOperation } from '../operations.ts'
import type { WriteContext } from './context.ts'
import type { Append, Arrive } from './deliver.ts'
import * as directory from './directory.ts'
import { fileQueued } from './file-queued.ts'
import * as mailboxes from './mailboxes.ts'
import { mendFacts } from './mend.ts'
import * as messages from './messages.ts'
import { settleQuarantined } from './quarantine.ts'
import * as queue from './queue.ts'
import { keepSnapshot } from './snapshot.ts'
import { segmentsGone, sweepRows } from './sweep-rows.ts'

/** What an operation answers, once its rows are written. */
export function apply(context: WriteContext, operation: Exclude<EngineOperation, Arrive | Append>): unknown {
  switch (operation.kind) {
    case 'flags':
      return messages.changeFlags(context, operation)
    case 'expunge':
      return messages.expunge(context, operation)
    case 'copy':
      return messages.copy(context, operation)
    case 'move':
      return messages.move(context, operation)
    case 'mailboxCreate':
      return mailboxes.createMailbox(context, operation)
    case 'mailboxDelete':
      return mailboxes.deleteMailbox(context, operation)
    case 'mailboxRename':
      return mailboxes.renameMailbox(context, operation)
    case 'subscribe':
      return mailboxes.subscribe(context, operation)
    case 'claimRecent':
      return mailboxes.claimRecent(context, operation)
    case 'domainAdd':
      return directory.addDomain(context, operation)
    case 'domainRemove':
      return directory.removeDomain(context, operation)
    case 'accountAdd':
      return directory.addAccount(context, operation)
    case 'accountRemove':
      return directory.removeAccount(context, operation)
    case 'accountSet':
      return directory.setAccount(context, operation)
    case 'credentialSet':
      return directory.setCredential(context, operation)
    case 'aliasSet':
      return directory.setAlias(context, operation)
    case 'settingSet':
      return directory.setSetting(context, operation)
    case 'queueLease':
      return queue.lease(context, operation)
    case 'queueRenew':
      return queue.renew(context, operation)
    case 'queueReturn':
      return queue.returnLeases(context, operation)
    case 'queueReclaim':
      return queue.reclaim(context, operation)
    case 'queueFile':
      return fileQueued(context, operation)
    case 'queueFinish':
      return queue.finish(context, operation)
    case 'queueDefer':
      return queue.defer(context, operation)
    case 'queueAct':
      return queue.act(context, operation)
    case 'queueReroute':
      return queue.reroute(context, operation)
    case 'snapshot':
      return keepSnapshot(context, operation)
    case 'materialize':
      // Done before it: see LateRows.
      return null
    case 'reindex':
      return mendFacts(context, operation)
    case 'quarantineSettle':
      return settleQuarantined(context, operation)
    case 'sweepRows':
      return sweepRows(context, operation)
    case 'segmentsGone':
      return segmentsGone(context, operation)
  }
}
