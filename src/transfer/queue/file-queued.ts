/** Files a queued recipient of ours: its message's bytes become a content of their own, in the commit that ends its wait. */
import { readSliceBytes } from '../../mail/content.ts'
import type { QueueRow } from '../../store/entities.ts'
import { factsOf, newArrivalId } from '../arrival.ts'
import { deliveryPrefix } from '../headers.ts'
import { parseMailbox } from '../../mail/address.ts'
import type { TransferTools } from '../file.ts'
import type { Plan } from '../plan.ts'

/** @returns false when no plan files or queues it. */
export async function fileQueued(tools: TransferTools, row: QueueRow, plans: readonly Plan[]): Promise<boolean> {
  const { store, clock, random, options } = tools
  const filings = plans.flatMap((plan) =>
    plan.kind === 'file'
      ? [
          {
            mailbox: plan.mailbox,
            prefix: deliveryPrefix(
              row.reversePath === '' ? null : (parseMailbox(row.reversePath) ?? null),
              row.address,
            ),
            flags: plan.flags,
            // The ledger row of the recipient is the queue's, and ends with the operation below.
            recipients: [],
          },
        ]
      : [],
  )
  const forwards = plans.flatMap((plan) => (plan.kind === 'queue' ? [plan] : []))
  if (filings.length + forwards.length === 0) return false
  const bytes = store.read.queuedContent(row.entry)
  if (!bytes) return false
  const sink = store.sink()
  for (let at = 0; at < bytes.sizeBytes; at += readSliceBytes) {
    if (!sink.write(await bytes.read(at, Math.min(at + readSliceBytes, bytes.sizeBytes)))) await sink.drained()
  }
  const content = await sink.finish()
  const { facts } = await factsOf(store, content, new Uint8Array(0))
  const nowMs = clock.now()
  await store.commit([
    {
      kind: 'arrive',
      arrivalId: newArrivalId(clock, random),
      content,
      facts,
      at: { epochMs: row.acceptedAtMs, offsetMinutes: 0 },
      filings,
      queue:
        forwards.length === 0
          ? undefined
          : {
              reversePath: row.reversePath,
              recipients: forwards.map(({ address, destination }) => ({
                address,
                destination,
                parameters: row.parameters,
              })),
              prefix: '',
              firstAttemptMs: nowMs,
              expiresAtMs: nowMs + options.queueLifetimeMs,
            },
    },
    {
      kind: 'queueFinish',
      lease: { recipient: row.id, fence: row.fence },
      outcome: 'filed',
      reply: `filed in mailbox ${filings.map(({ mailbox }) => mailbox).join(', ')}`,
      nowMs,
    },
  ])
  return true
}
