/**
 * Files queued local recipients: those beyond `fileNowMax`, those of a message with a release time, DSNs whose mailbox was
 * full. The filing is an operation, in the commit that ends the queue entry.
 */
import { parseMailbox } from '../mail/address.ts'
import { readSliceBytes } from '../mail/content.ts'
import type { ReversePath } from '../mail/envelope.ts'
import { Refusal, status, type Status } from '../mail/status.ts'
import type { QueueRow } from '../store/entities.ts'
import type { Operation } from '../store/operations.ts'
import { factsOfSlices, threadKeysOf } from '../store/facts.ts'
import type { QueuedMessage, StoreRefusal } from '../store/store.ts'
import type { TransferTools } from '../delivery/file.ts'
import { deliveryPrefix } from '../delivery/headers.ts'
import { decideQueued, type Message } from '../delivery/decide.ts'
import type { Plan } from '../delivery/plan.ts'
import type { Attempt, AttemptResult, Batch, NextHopFacts, Transport } from '../queue/transport.ts'

type Tools = Pick<TransferTools, 'store' | 'addresses' | 'options'>

/** Longer headers are cut: the ids of a thread stand further up. */
const headerReadBytes = 128 * 1024

export class LocalTransport implements Transport<undefined> {
  readonly remote = false
  readonly #tools: Tools

  constructor(tools: Tools) {
    this.#tools = tools
  }

  async nextHop({ key }: Batch): Promise<NextHopFacts<undefined>> {
    return { name: key, route: undefined }
  }

  async attempt({ rows }: Batch, message: QueuedMessage): Promise<Attempt> {
    const results: AttemptResult[] = []
    // Several addresses of one mailbox give one message there.
    const filings = new Map<number, Operation>()
    let facts: FactsToFile | undefined
    for (const row of rows) {
      const plan = await decideNow(this.#tools, row, { reversePath: pathOf(row), sizeBytes: message.sizeBytes })
      if ('code' in plan) {
        results.push(refused(plan))
        continue
      }
      facts ??= await factsToFile(message)
      const filing = filings.get(plan.mailbox) ?? filingOf(row, plan, facts)
      filings.set(plan.mailbox, filing)
      results.push({ kind: 'filed', enhanced: '2.1.5', words: plan.mailboxName, operations: [filing], ifRefused })
    }
    return { results, hop: results.some(({ kind }) => kind === 'filed') ? 'well' : 'answered' }
  }

  close(): void {}
}

function pathOf({ reversePath }: QueueRow): ReversePath {
  return reversePath === '' ? null : (parseMailbox(reversePath) ?? null)
}

/** The stored content in another mailbox. */
function filingOf(
  row: QueueRow,
  { mailbox, recipient, flags }: Extract<Plan, { kind: 'file' }>,
  facts: FactsToFile,
): Operation {
  const prefix = deliveryPrefix(pathOf(row), recipient)
  return { kind: 'queueFile', entry: row.entry, mailbox, prefix, flags, ...facts }
}

/** What a filing must know of the message. */
type FactsToFile = Pick<Extract<Operation, { kind: 'queueFile' }>, 'threadKeys' | 'facts'>

/** Once for all mailboxes. The message is read whole only if it was not to be filed when it came. */
async function factsToFile(message: QueuedMessage): Promise<FactsToFile> {
  if (message.indexed)
    return { threadKeys: threadKeysOf(await message.read(0, Math.min(message.sizeBytes, headerReadBytes))) }
  const { facts } = await factsOfSlices(slicesOf(message))
  return { threadKeys: facts.threadKeys, facts }
}

async function* slicesOf(message: QueuedMessage): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < message.sizeBytes; at += readSliceBytes)
    yield await message.read(at, Math.min(at + readSliceBytes, message.sizeBytes))
}

async function decideNow(
  tools: Tools,
  { address, parameters: { evidence } }: QueueRow,
  message: Message,
): Promise<Extract<Plan, { kind: 'file' }> | Status> {
  try {
    const plan = await decideQueued(tools, { address, evidence }, message)
    return plan.kind === 'refuse' ? plan.status : plan
  } catch (error) {
    if (error instanceof Refusal) return error.status
    throw error
  }
}

/** Another message filled the mailbox meanwhile, or it was deleted. */
function ifRefused({ code }: StoreRefusal): AttemptResult {
  if (code === 'overQuota') return refused(status.mailboxFull)
  return refused(code === 'accountDisabled' ? status.accountDisabled : status.localError)
}

function refused({ code, enhanced, text }: Status): AttemptResult {
  return { kind: code < 500 ? 'later' : 'never', enhanced, words: `${code} ${enhanced} ${text}` }
}
