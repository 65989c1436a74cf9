/** Commands about mail on its way: what waits, what is done to it, and how what was accepted ended. */
import type { QueueRow } from '../store/entities.ts'
import { command, pageOf, pageRowsMax } from './control-command.ts'
import { CommandRefusal } from './provision.ts'

const acts = ['hold', 'release', 'retry', 'drop'] as const
type Act = (typeof acts)[number]

export const queueCommands = {
  queueList: command({ after: 'count?' }, ({ store }, { after = 0 }) =>
    pageOf<QueueRow, number>(store.read.queue(after, pageRowsMax), ({ id }) => id),
  ),

  /** One commit: all of the recipients or none. */
  queueAct: command({ recipients: 'counts', act: 'text' }, async ({ store, clock }, { recipients, act }) => {
    if (!acts.includes(act as Act)) throw new CommandRefusal('badArguments', `There is no act ${act}`)
    const nowMs = clock.now()
    await store.commit(
      recipients.map((recipient) => ({ kind: 'queueAct', recipient, act: act as Act, nowMs }) as const),
    )
    return { recipients: recipients.length }
  }),

  /** What became of accepted messages, by their ids. */
  ledger: command({ arrivalIds: 'texts' }, async ({ store, flushJourney }, { arrivalIds }) => {
    await flushJourney?.()
    return { rows: arrivalIds.flatMap((id) => store.read.ledger(id)) }
  }),

  counts: command({}, ({ store }) => store.read.counts()),
}
