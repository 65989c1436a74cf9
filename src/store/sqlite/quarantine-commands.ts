/** What an operator does about records that were set aside: look, take the messages out, do it once more, drop it. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { bytesOf } from '../../base/bytes.ts'
import { quarantineName } from '../contents/quarantine.ts'
import type { ContentFiles } from '../contents/reader.ts'
import { contentInFile, contentInMemory } from '../contents/sink.ts'
import type { SunkContent } from '../contents/sunk.ts'
import type { Filing, EngineOperation } from '../operations.ts'
import { readRecord, type RecordView } from '../record.ts'
import type { EngineRows } from '../engine.ts'
import { StoreRefusal, type Place, type StoreQuarantine } from '../store.ts'
import type { Batcher } from './batcher.ts'
import type { Append, Arrive } from './deliver.ts'
import type { Engine } from './engine-interface.ts'
import type { WireContent } from './group.ts'
import { quarantined } from './quarantine.ts'

/** What becomes of the recipients of a record that is dropped. */
const dropRule = 'dropped from the quarantine by the operator'

export function quarantineOf(engine: Engine, read: EngineRows, batcher: Batcher, clock: Clock): StoreQuarantine {
  const recordOf = (place: Place): RecordView | undefined => {
    const bytes = engine.quarantined(place)
    const record = bytes && readRecord(Buffer.from(bytes))
    return typeof record === 'object' ? record : undefined
  }
  const settle = async (place: Place, operations: readonly EngineOperation[]): Promise<void> => {
    await batcher.commit(operations, 'visible')
    await engine.forgetQuarantined(place)
  }
  const messages = async (place: Place): Promise<Uint8Array[]> => {
    const record = recordOf(place)
    if (!record) return []
    const found: Uint8Array[] = []
    for (const operation of arrivalsOf(record)) {
      const content = contentOf(engine.files, record, operation)
      const bytes = await content.read(0, content.sizeBytes)
      found.push(Buffer.concat([bytesOf(prefixOf(operation)), bytes]))
    }
    return found
  }
  return {
    count: async () => engine.reads.prepare('SELECT count(*) AS n FROM quarantine').get()!['n'] as number,
    has: async ({ segment, position }) =>
      engine.reads.prepare('SELECT 1 FROM quarantine WHERE segment = ? AND position = ?').get(segment, position) !==
      undefined,
    list: async (limit) => quarantined(engine.reads, limit),
    bytes: async (place) => engine.quarantined(place),

    messages,

    async export(place, folder) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const files: string[] = []
      const write = async (name: string, bytes: Uint8Array): Promise<void> => {
        const path = join(folder, name)
        await writeFile(path, bytes, { flag: 'wx', mode: 0o600, flush: true })
        files.push(path)
      }
      const name = quarantineName(place).replace(/\.rec$/, '')
      const all = await messages(place)
      for (const [i, bytes] of all.entries()) await write(`${name}-${i + 1}.eml`, bytes)
      const raw = engine.quarantined(place)
      if (all.length === 0 && raw) await write(`${name}.rec`, raw)
      return { files }
    },

    async retry(place) {
      const record = recordOf(place)
      if (!record) {
        throw new StoreRefusal(
          'notReadable',
          'The record cannot be read: "pennypost quarantine export" gives the bytes that are left, "drop" ends it',
        )
      }
      const again: (Arrive | Append)[] = []
      for (const operation of arrivalsOf(record))
        again.push(await anew(operation, contentOf(engine.files, record, operation), read, clock.now()))
      await settle(place, [{ kind: 'quarantineSettle', place }, ...again])
    },

    async drop(place) {
      const discard = { rule: dropRule, nowMs: clock.now() }
      await settle(place, [{ kind: 'quarantineSettle', place, discard }])
    },
  }
}

/** Reports and moves of contents have nothing to be done once more. */
function arrivalsOf(record: RecordView): (Arrive | Append)[] {
  if (record.kind === 2) return []
  const operations = JSON.parse(Buffer.from(record.operations).toString()) as EngineOperation[]
  return operations.filter((operation) => operation.kind === 'arrive' || operation.kind === 'append')
}

function contentOf(files: ContentFiles, record: RecordView, operation: Arrive | Append): SunkContent {
  const { sizeBytes, at, file, digest } = operation.content as unknown as WireContent
  if (file !== undefined) return { ...contentInFile(files, { file, sizeBytes, digest: digest! }), abort() {} }
  return contentInMemory(record.contents.subarray(at!, at! + sizeBytes), () => {})
}

function prefixOf(operation: Arrive | Append): string {
  if (operation.kind === 'append') return ''
  return operation.filings[0]?.prefix ?? operation.queue?.prefix ?? ''
}

/** The same arrival with new numbers; queued recipients are due now and not leased. */
async function anew(
  operation: Arrive | Append,
  content: SunkContent,
  read: EngineRows,
  nowMs: number,
): Promise<Arrive | Append> {
  if (operation.kind === 'append') {
    if (await read.mailbox(operation.mailbox)) return { ...operation, content }
    throw new StoreRefusal('noSuchMailbox', 'The mailbox that it was put into is gone: take it out with "export"')
  }
  const filings: Filing[] = []
  for (const filing of operation.filings) filings.push({ ...filing, mailbox: await mailboxOf(filing, read) })
  if (!operation.queue) return { ...operation, content, filings }
  const { leasedUntilMs: _, ...queue } = operation.queue
  const firstAttemptMs = Math.max(queue.firstAttemptMs, nowMs)
  return { ...operation, content, filings, queue: { ...queue, firstAttemptMs } }
}

async function mailboxOf({ mailbox, recipients }: Filing, read: EngineRows): Promise<number> {
  if (await read.mailbox(mailbox)) return mailbox
  for (const address of recipients) {
    const user = await read.user(address)
    if (user) return user.inbox
  }
  throw new StoreRefusal('noSuchMailbox', `The mailbox for ${recipients.join(', ')} is gone: take it out with "export"`)
}
