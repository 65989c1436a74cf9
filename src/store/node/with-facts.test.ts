/** Facts of messages that come without them: the same as those that a caller would give. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { domainDestination, localDestination } from '../../mail/destination.ts'
import { realClock } from '../../platform/real/clock.ts'
import { addAccount, arrival, message, nowMs, stored } from '../conformance/fixtures.ts'
import type { StoredContent } from '../content.ts'
import { factsOfBytes, noFacts } from '../facts.ts'
import type { Operation, QueueRequest } from '../operations.ts'
import { engineInMemory } from '../sqlite/engine.ts'
import type { Store } from '../store.ts'
import { nodeStore } from './node-store.ts'
import { withFacts } from './with-facts.ts'

const bytes = message('one', 'Hello.\r\n', 'In-Reply-To: <before@example.org>\r\n')
const content: StoredContent = {
  sizeBytes: bytes.length,
  whole: bytes,
  read: (start, end) => bytes.subarray(start, end),
  abort() {},
}
/** As of a file. */
const streamed: StoredContent = {
  sizeBytes: bytes.length,
  read: async (start, end) => bytes.subarray(start, end),
  abort() {},
}
const at = { epochMs: nowMs, offsetMinutes: 0 }
const filing = { mailbox: 1, prefix: 'Return-Path: <>\r\n', flags: [], recipients: [] }
const appended = { kind: 'append', mailbox: 1, internalDate: at, savedAtMs: nowMs, flags: [] } as const
const arrived = { kind: 'arrive', arrivalId: 'a', at } as const

function queueTo(destination: QueueRequest['recipients'][number]['destination'], prefix = ''): QueueRequest {
  const parameters = { body: '7bit', smtpUtf8: false } as const
  const recipients = [{ address: 'bob@example.org', destination, parameters }]
  return { reversePath: '', recipients, prefix, firstAttemptMs: nowMs, expiresAtMs: nowMs + 1000 }
}

async function factsOf(operation: Operation): Promise<unknown> {
  const [complete] = await withFacts([operation])
  return (complete as Extract<Operation, { kind: 'append' }>).facts
}

test('what is filed gets its facts, from memory at once and from a file', async () => {
  const { facts } = factsOfBytes(bytes)
  assert.ok(!(withFacts([{ ...appended, content }]) instanceof Promise))
  assert.deepEqual(await factsOf({ ...appended, content }), facts)
  assert.deepEqual(await factsOf({ ...appended, content: streamed }), facts)
  assert.deepEqual(await factsOf({ ...arrived, content: streamed, filings: [filing] }), facts)
  assert.deepEqual(await factsOf({ ...arrived, content, filings: [], queue: queueTo(localDestination) }), facts)
})

test('what only passes through is not read, and given facts are taken', async () => {
  const unread: StoredContent = { sizeBytes: 1, read: () => assert.fail('read'), abort() {} }
  const passing: Operation = {
    ...arrived,
    content: unread,
    filings: [],
    queue: queueTo(domainDestination('far.example')),
  }
  assert.equal(await factsOf(passing), undefined)
  assert.equal(await factsOf({ ...arrived, content: unread, filings: [filing], facts: noFacts }), noFacts)
})

test('fields that submission added count as if they stood in the message', async () => {
  const added = 'Received: by us\r\nDate: Fri, 2 Jan 2026 03:04:05 +0000\r\nMessage-ID: <made@example.org>\r\n'
  const bare = Buffer.from('From: a@example.org\r\nSubject: bare\r\n\r\nx\r\n')
  const without = { ...content, sizeBytes: bare.length, whole: bare }
  const whole = Buffer.concat([Buffer.from(added), bare])
  const { facts } = factsOfBytes(whole)
  const filed: Operation = { ...arrived, content: without, filings: [{ ...filing, prefix: filing.prefix + added }] }
  assert.deepEqual(await factsOf(filed), facts)
  const queued: Operation = { ...arrived, content: without, filings: [], queue: queueTo(localDestination, added) }
  assert.deepEqual(await factsOf(queued), facts)
})

test('a store answers FETCH the same, whether facts came with the message or not', async () => {
  const store: Store = await nodeStore(engineInMemory({ clock: realClock, log: silentLog }), realClock)
  const bob = await addAccount(store, 'bob@example.org')
  const { facts: _, ...bare } = await arrival(store, bytes, [bob.inbox])
  await store.commit([await arrival(store, bytes, [bob.inbox]), bare])
  await store.commit([{ ...appended, mailbox: bob.inbox, content: await stored(store, bytes) }])
  const texts: unknown[] = []
  for await (const page of store.read.rows(bob.inbox, Uint32Array.of(1, 2, 3), { envelope: true, bodyStructure: true }))
    texts.push(...page.map(({ envelope, bodyStructure, threadId }) => [envelope, bodyStructure, threadId]))
  assert.equal(texts.length, 3)
  assert.deepEqual(texts[1], texts[0])
  assert.deepEqual(texts[2], texts[0])
  await store.close()
})
