/** What the store's tests write and read. */
import type { AccountId, Uid } from '../../mail/ids.ts'
import type { MailboxRole } from '../../mail/special-use.ts'
import assert from 'node:assert/strict'
import { factsOfBytes } from '../facts.ts'
import type { Operation } from '../operations.ts'
import type { Store, StoredContent } from '../store.ts'
import { StoreRefusal } from '../store.ts'
import { timePrefix } from '../arrival-id.ts'

export const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5)

export function message(subject: string, body = 'Hello.\r\n', extra = ''): Buffer {
  return Buffer.from(
    `From: Alice <alice@example.org>\r\nTo: bob@example.org\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@example.org>\r\n${extra}Date: Fri, 2 Jan 2026 03:04:05 +0000\r\n\r\n${body}`,
  )
}

export async function stored(store: Store, bytes: Uint8Array): Promise<StoredContent> {
  const sink = store.sink()
  for (let at = 0; at < bytes.length; at += 65_536) {
    if (!sink.write(bytes.subarray(at, at + 65_536))) await sink.drained()
  }
  return sink.finish()
}

export async function arrival(
  store: Store,
  bytes: Uint8Array,
  mailboxes: readonly number[],
  more: Partial<Extract<Operation, { kind: 'arrive' }>> = {},
): Promise<Extract<Operation, { kind: 'arrive' }>> {
  return {
    kind: 'arrive',
    arrivalId: `${timePrefix(nowMs)}${arrivals++}`,
    content: await stored(store, bytes),
    facts: factsOfBytes(bytes).facts,
    at: { epochMs: nowMs, offsetMinutes: 60 },
    filings: mailboxes.map((mailbox) => ({
      mailbox,
      prefix: 'Return-Path: <>\r\n',
      flags: [],
      recipients: ['bob@example.org'],
    })),
    ...more,
  }
}
let arrivals = 0

export async function addAccount(
  store: Store,
  name: string,
  quotaBytes = 0,
): Promise<{ id: AccountId; inbox: number; trash: number }> {
  const mailboxes: { name: string; role: MailboxRole }[] = [
    { name: 'INBOX', role: 'inbox' },
    { name: 'Trash', role: 'trash' },
  ]
  const [, { id }] = await store.commit([
    { kind: 'domainAdd', name: name.split('@')[1]! },
    { kind: 'accountAdd', name, quotaBytes, mailboxes, nowMs },
  ])
  return {
    id,
    inbox: (await store.read.mailboxByName(id, 'INBOX'))!.id,
    trash: (await store.read.mailboxByName(id, 'Trash'))!.id,
  }
}

export async function rowsOf(
  store: Store,
  mailbox: number,
  bytes = false,
): Promise<{ uid: Uid; text?: string; emailId: number; threadId: number; sizeBytes: number }[]> {
  const table = await store.read.table(mailbox)
  const view = table.view()
  const result = []
  for await (const page of store.read.rows(mailbox, view.uids.slice(0, view.count), { envelope: true, bytes })) {
    for (const row of page) {
      const text = row.bytes && Buffer.from(await row.bytes.read(0, row.bytes.sizeBytes)).toString('latin1')
      result.push({ uid: row.uid, text, emailId: row.emailId, threadId: row.threadId, sizeBytes: row.sizeBytes })
    }
  }
  table.release()
  return result
}

export async function refused(promise: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(promise, (error) => error instanceof StoreRefusal && error.code === code)
}

/** One check of a suite: on a new, empty store; `reopen` closes it and opens what it left, where the engine can. */
export type Check = (name: string, body: (store: Store, reopen?: () => Promise<Store>) => Promise<void>) => void
