/**
 * Files queued local recipients: those beyond `fileNowMax`, those of a message with a release time, DSNs whose mailbox was
 * full. The filing is an operation, in the commit that ends the queue entry.
 */
import { canonicalAddress } from '../directory/aliases.ts'
import { parseMailbox } from '../mail/address.ts'
import { readSliceBytes, type MessageBytes } from '../mail/content.ts'
import { Refusal, status, type Status } from '../mail/status.ts'
import type { Account, QueueRow, User } from '../store/entities.ts'
import type { Operation } from '../store/operations.ts'
import type { StoreRefusal } from '../store/store.ts'
import { messageIndex, newArrivalId } from '../delivery/arrival.ts'
import type { TransferTools } from '../delivery/file.ts'
import { deliveryPrefix } from '../delivery/headers.ts'
import { fitsQuota } from '../delivery/resolve.ts'
import type { Attempt, AttemptResult, Batch, NextHopFacts, Transport } from '../queue/transport.ts'

type Tools = Pick<TransferTools, 'store' | 'clock' | 'random' | 'addresses'>

export class LocalTransport implements Transport<undefined> {
  readonly remote = false
  /** Each mailbox is an operation of its own: one that is full must not hold up the others. */
  readonly recipientsMax = 1
  readonly #tools: Tools

  constructor(tools: Tools) {
    this.#tools = tools
  }

  async nextHop({ key }: Batch): Promise<NextHopFacts<undefined>> {
    return { name: key, route: undefined }
  }

  async attempt({ rows }: Batch, message: MessageBytes): Promise<Attempt> {
    const results: AttemptResult[] = []
    for (const row of rows) results.push(await fileQueued(this.#tools, row, message))
    return { results, hop: results.some(({ kind }) => kind === 'filed') ? 'well' : 'answered' }
  }

  close(): void {}
}

async function fileQueued(tools: Tools, row: QueueRow, message: MessageBytes): Promise<AttemptResult> {
  const { store, clock, random } = tools
  const account = await accountOf(tools, row.address)
  if ('code' in account) return refused(account)
  const mailbox = await store.read.inbox(account.id)
  if (mailbox === undefined) return refused(status.mailboxUnknown)
  if (account.disabled) return refused(status.accountDisabled)
  if (!(await fitsQuota(store.read, account, message.sizeBytes))) return refused(status.mailboxFull)
  const sink = store.sink()
  for (let at = 0; at < message.sizeBytes; at += readSliceBytes) {
    if (!sink.write(await message.read(at, Math.min(at + readSliceBytes, message.sizeBytes)))) await sink.drained()
  }
  const content = await sink.finish()
  const { facts } = await messageIndex(store, content, new Uint8Array(0))
  const reversePath = row.reversePath === '' ? null : (parseMailbox(row.reversePath) ?? null)
  const prefix = deliveryPrefix(reversePath, row.parameters.recipient ?? row.address)
  const arrive: Operation = {
    kind: 'arrive',
    arrivalId: newArrivalId(clock, random),
    content,
    facts,
    at: { epochMs: row.acceptedAtMs, offsetMinutes: 0 },
    // The recipient's ledger row belongs to the queue, which ends it.
    filings: [{ mailbox, prefix, flags: [], recipients: [] }],
  }
  return { kind: 'filed', enhanced: '2.1.5', words: 'INBOX', operations: [arrive], ifRefused }
}

/**
 * The address is an account's own name, as aliases were expanded on arrival and are not expanded again; or, for DSNs and
 * copies, an address that only the external directory knows.
 */
async function accountOf(
  { store, addresses }: Tools,
  address: string,
): Promise<Pick<Account, 'id' | 'name' | 'disabled'> | Status> {
  const known: User | undefined = await store.read.user(address)
  if (known) return known
  const asked = parseMailbox(address)
  if (!asked) return status.mailboxUnknown
  try {
    const { account } = await addresses.lookUp(canonicalAddress(asked.localPart, asked.domain))
    return (account && (await store.read.user(account.name))) ?? status.mailboxUnknown
  } catch (error) {
    if (error instanceof Refusal) return error.status
    throw error
  }
}

/** Another message filled the mailbox meanwhile, or it was deleted. */
function ifRefused({ code }: StoreRefusal): AttemptResult {
  return refused(code === 'overQuota' ? status.mailboxFull : status.localError)
}

function refused({ code, enhanced, text }: Status): AttemptResult {
  return { kind: code < 500 ? 'later' : 'never', enhanced, words: `${code} ${enhanced} ${text}` }
}
