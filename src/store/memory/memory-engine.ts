/**
 * The reference engine: what every engine of the store does, in plain maps, without durability, threads or speed. It documents the interface,
 * and other engines are compared with it. docs/architecture.md §31.
 */
import { isDeepStrictEqual } from 'node:util'
import { bytesOf } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { timePrefix } from '../arrival-id.ts'
import type { Change } from '../changes.ts'
import type { StoreEngine } from '../engine.ts'
import { factsHead, factsOfBytes } from '../facts.ts'
import { dayMs, expungedKeepDays, ledgerKeepDays } from '../keeping.ts'
import type { AccountId, ModSeq } from '../../mail/ids.ts'
import type { Operation } from '../operations.ts'
import { StoreFault, type ReindexOptions, type ReindexReport, type StoredContent, type SweepReport } from '../store.ts'
import { append, arrive, fileQueued } from './arrivals.ts'
import * as directory from './directory.ts'
import * as mailboxes from './mailboxes.ts'
import * as messages from './messages.ts'
import * as queue from './queue.ts'
import { memoryRows } from './reads.ts'
import { State, type Gone, type Removal, type Rows } from './state.ts'

type Work = { readonly [Kind in Operation['kind']]: (state: State, op: Extract<Operation, { kind: Kind }>) => unknown }

const work: Work = {
  arrive,
  append,
  flags: messages.changeFlags,
  expunge: messages.expunge,
  copy: messages.copy,
  move: messages.move,
  mailboxCreate: mailboxes.createMailbox,
  mailboxDelete: mailboxes.deleteMailbox,
  mailboxRename: mailboxes.renameMailbox,
  subscribe: mailboxes.subscribe,
  claimRecent: mailboxes.claimRecent,
  domainAdd: directory.addDomain,
  domainRemove: directory.removeDomain,
  accountAdd: directory.addAccount,
  accountRemove: directory.removeAccount,
  accountSet: directory.setAccount,
  credentialSet: directory.setCredential,
  aliasSet: directory.setAlias,
  settingSet: directory.setSetting,
  queueLease: queue.lease,
  queueRenew: queue.renew,
  queueReturn: queue.returnLeases,
  queueReclaim: queue.reclaim,
  queueFile: fileQueued,
  queueFinish: queue.finish,
  queueDefer: queue.defer,
  queueAct: queue.act,
  queueReroute: queue.reroute,
}

interface Waiting {
  readonly operations: readonly Operation[]
  readonly resolve: (results: never) => void
  readonly reject: (error: unknown) => void
}

export function referenceEngine(clock: Clock): StoreEngine {
  const state = new State()
  const waiting: Waiting[] = []
  let changed = (_changes: readonly Change[]): Promise<unknown> | void => {}
  let isClosed = false

  const commitNow = ({ operations, resolve, reject }: Waiting): void => {
    state.begin()
    let results
    try {
      results = operations.map((operation) => work[operation.kind](state, operation as never))
    } catch (error) {
      state.undo()
      return reject(error)
    }
    const answer = (): void => resolve(results as never)
    const reading = changed(state.changes.take())
    if (reading) void reading.then(answer)
    else answer()
  }

  return {
    rows: memoryRows(state),
    attach: (listener) => (changed = listener),
    commit: (operations) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(new StoreFault('The store is closed', false))
        waiting.push({ operations, resolve, reject })
        // In order, each a turn later at the earliest.
        clock.soon(() => commitNow(waiting.shift()!))
      }),
    sink: () => new MemorySink(),
    state: () => ({ behind: false, full: false }),
    quarantine: noQuarantine,
    sweep: async (nowMs) => sweep(state, nowMs),
    backup: () => Promise.reject(new Error('A store in memory has nothing to back up')),
    lost: async () => [],
    dropLost: async () => 0,
    reindex: async (options) => reindex(state, options),
    async close() {
      isClosed = true
    },
  }
}

class MemorySink {
  #chunks: Uint8Array[] = []

  write(bytes: Uint8Array): boolean {
    this.#chunks.push(Buffer.from(bytes))
    return true
  }

  async drained(): Promise<void> {}

  async finish(): Promise<StoredContent> {
    const whole = Buffer.concat(this.#chunks)
    return { sizeBytes: whole.length, whole, read: (start, end) => whole.subarray(start, end), abort() {} }
  }

  abort(): void {
    this.#chunks = []
  }
}

/** What nothing holds any more, old expunges, and deliveries that ended long ago. */
function sweep(state: State, nowMs: number): SweepReport {
  const { emails, contents } = state.mail
  for (const { id, refs, content } of emails.all()) {
    if (refs > 0) continue
    emails.delete(id)
    state.refContent(content, -1)
  }
  const free = contents.keys().filter((id) => contents.get(id)!.refs === 0)
  for (const id of free) contents.delete(id)
  const oldest = timePrefix(nowMs - ledgerKeepDays * dayMs)
  const { ledger } = state.queue
  for (const id of ledger.keys()) {
    // Rows of one arrival keep their numbers: they go when the last of them has ended.
    const open = ledger.get(id)!.some(({ outcome }) => outcome === 'queued')
    if (id < oldest && !open) ledger.delete(id)
  }
  const expungedForgotten = forget(state, nowMs - expungedKeepDays * dayMs)
  return { movedToLost: 0, contentsFreed: free.length, segmentsFreed: 0, expungedForgotten }
}

/** Forgets what was taken out before then. Changes since before it are not all known any more. @returns how many runs of expunged UIDs. */
function forget(state: State, beforeMs: number): number {
  const { expunged, removals, gone, mailboxes } = state.mail
  const isOld = ({ atMs }: { readonly atMs: number }): boolean => atMs < beforeMs
  const forgotten = (account: AccountId, old: readonly { readonly modSeq: ModSeq }[]): void => {
    const { forgottenModSeq } = state.account(account)
    const modSeq = Math.max(forgottenModSeq, ...old.map((one) => one.modSeq)) as ModSeq
    state.editAccount(account, { forgottenModSeq: modSeq })
  }
  let runs = 0
  for (const mailbox of expunged.keys()) {
    const all = expunged.get(mailbox)!
    const old = all.filter(isOld)
    runs += old.length
    expunged.set(
      mailbox,
      all.filter((one) => !isOld(one)),
    )
    forgotten(mailboxes.get(mailbox)!.account, old)
  }
  for (const rows of [removals, gone] as Rows<AccountId, readonly (Removal | Gone)[]>[])
    for (const account of rows.keys()) {
      const all = rows.get(account)!
      forgotten(account, all.filter(isOld))
      rows.set(
        account,
        all.filter((one) => !isOld(one)),
      )
    }
  return runs
}

function reindex(state: State, { account, progress }: ReindexOptions = {}): ReindexReport {
  const { emails, contents, threads } = state.mail
  const report = { messages: 0, contentsMended: 0, threadKeysMended: 0 }
  for (const email of emails.all()) {
    if (account !== undefined && email.account !== account) continue
    const content = contents.get(email.content)!
    const bytes = Buffer.concat([bytesOf(factsHead(email.prefix)), content.bytes])
    const { threadKeys, ...facts } = factsOfBytes(bytes).facts
    report.messages++
    if (!isDeepStrictEqual(facts, content.facts)) {
      contents.set(email.content, { ...content, facts })
      report.contentsMended++
    }
    for (const key of threadKeys.map((one) => `${email.account} ${one}`)) {
      if (threads.get(key) !== undefined) continue
      threads.set(key, email.thread)
      report.threadKeysMended++
    }
    progress?.(report.messages)
  }
  return report
}

/** Nothing is written that could not be read again. */
const noQuarantine: StoreEngine['quarantine'] = {
  count: async () => 0,
  has: async () => false,
  list: async () => [],
  messages: async () => [],
  bytes: async () => undefined,
  export: async () => ({ files: [] }),
  retry: () => Promise.reject(new Error('There is no quarantine in memory')),
  drop: () => Promise.reject(new Error('There is no quarantine in memory')),
}
