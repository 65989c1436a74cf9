/**
 * Files a queued local recipient: the message becomes a content of its own, in the commit that ends the queue entry.
 */
import { canonicalAddress } from '../directory/aliases.ts'
import { parseMailbox } from '../mail/address.ts'
import { readSliceBytes } from '../mail/content.ts'
import { Refusal, status, type Status } from '../mail/status.ts'
import type { QueueRow } from '../store/entities.ts'
import type { Filing } from '../store/operations.ts'
import { StoreRefusal } from '../store/store.ts'
import { messageIndex, newArrivalId } from '../delivery/arrival.ts'
import type { TransferTools } from '../delivery/file.ts'
import { deliveryPrefix } from '../delivery/headers.ts'
import { fitsQuota } from '../delivery/resolve.ts'

/**
 * The address is an account's own name, as aliases were expanded on arrival and are not expanded again; or, for DSNs
 * and copies, an address that only the external directory knows.
 * @returns the reason if it could not be filed.
 */
export async function fileQueued(tools: TransferTools, row: QueueRow): Promise<Status | undefined> {
  const { store, clock, random } = tools
  let account = await store.read.user(row.address)
  const asked = account ? undefined : parseMailbox(row.address)
  if (asked) {
    try {
      const { account: known } = await tools.addresses.lookUp(canonicalAddress(asked.localPart, asked.domain))
      account = known && (await store.read.user(known.name))
    } catch (error) {
      if (error instanceof Refusal) return error.status
      throw error
    }
  }
  const mailbox = account && (await store.read.inbox(account.id))
  const bytes = await store.read.queuedContent(row.entry)
  if (!account || mailbox === undefined || !bytes) return status.mailboxUnknown
  if (account.disabled) return status.accountDisabled
  if (!(await fitsQuota(store.read, account, bytes.sizeBytes))) return status.mailboxFull
  const sink = store.sink()
  for (let at = 0; at < bytes.sizeBytes; at += readSliceBytes) {
    if (!sink.write(await bytes.read(at, Math.min(at + readSliceBytes, bytes.sizeBytes)))) await sink.drained()
  }
  const content = await sink.finish()
  const { facts } = await messageIndex(store, content, new Uint8Array(0))
  const reversePath = row.reversePath === '' ? null : (parseMailbox(row.reversePath) ?? null)
  // The recipient's ledger row belongs to the queue, and ends with the second operation.
  const filing: Filing = { mailbox, prefix: deliveryPrefix(reversePath, row.address), flags: [], recipients: [] }
  const arrivalId = newArrivalId(clock, random)
  const at = { epochMs: row.acceptedAtMs, offsetMinutes: 0 }
  const lease = { recipient: row.id, fence: row.fence }
  const reply = 'INBOX'
  try {
    await store.commit([
      { kind: 'arrive', arrivalId, content, facts, at, filings: [filing] },
      { kind: 'queueFinish', lease, outcome: 'filed', reply, nowMs: clock.now() },
    ])
  } catch (error) {
    content.abort()
    // Another message filled the mailbox meanwhile.
    if (error instanceof StoreRefusal && error.code === 'overQuota') return status.mailboxFull
    throw error
  }
  return undefined
}
