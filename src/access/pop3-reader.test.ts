import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageRow, Store } from '../store/store.ts'
import { MaildropReader, ReadersAhead } from './pop3-reader.ts'

/** Uids 10, 20, … without some; pages of three. `asked` has the first uid of each query. */
function storeOf(count: number, gone: readonly number[] = []) {
  const asked: string[] = []
  let open = 0
  const rows = async function* (_mailbox: number, uids: Uint32Array): AsyncGenerator<readonly MessageRow[]> {
    asked.push(`${uids[0]}×${uids.length}`)
    open++
    try {
      const found = [...uids].filter((uid) => !gone.includes(uid))
      for (let at = 0; at < found.length; at += 3)
        yield found.slice(at, at + 3).map((uid) => {
          const bytes = Buffer.from(`message ${uid}`)
          const pieces = (): readonly Uint8Array[] => [bytes.subarray(0, 3), bytes.subarray(3)]
          return { uid, bytes: { sizeBytes: bytes.length, read: () => bytes, pieces } } as unknown as MessageRow
        })
    } finally {
      open--
    }
  }
  const uids = Uint32Array.from({ length: count }, (_, at) => (at + 1) * 10)
  const ahead = new ReadersAhead()
  const reader = new MaildropReader({ read: { rows } } as unknown as Store, 1, uids, ahead)
  const text = async (index: number): Promise<string | undefined> => {
    const held = reader.held(index)
    if (held) return `held ${Buffer.concat(held).toString()}`
    const found = await reader.read(index)
    return found && Buffer.from(await found.read(0, found.sizeBytes)).toString()
  }
  return { reader, asked, text, ahead, opened: () => open }
}

test('in order: one message, then pages; messages of a page are returned at once', async () => {
  const { asked, text, opened } = storeOf(8)
  const said: (string | undefined)[] = []
  for (let index = 0; index < 8; index++) said.push(await text(index))
  assert.deepEqual(
    said,
    [10, 20, 30, 40, 50, 60, 70, 80].map((uid) => `${[30, 40, 60, 70].includes(uid) ? 'held ' : ''}message ${uid}`),
  )
  assert.deepEqual(asked, ['10×1', '20×7'])
  assert.equal(opened(), 0)
})

test('removed messages are not returned, at a page’s start, middle and end', async () => {
  const { text } = storeOf(9, [10, 30, 60, 70, 90])
  const said: (string | undefined)[] = []
  for (let index = 0; index < 9; index++) said.push((await text(index))?.replace('held ', ''))
  assert.deepEqual(said, [
    undefined,
    'message 20',
    undefined,
    'message 40',
    'message 50',
    undefined,
    undefined,
    'message 80',
    undefined,
  ])
})

test('out of order each has its own query; the same again keeps the position', async () => {
  const { asked, text, opened } = storeOf(9)
  assert.equal(await text(4), 'message 50')
  assert.equal(await text(2), 'message 30')
  assert.equal(await text(3), 'message 40')
  assert.equal(await text(3), 'message 40')
  assert.equal(await text(4), 'held message 50')
  assert.deepEqual(asked, ['50×1', '30×1', '40×6', '40×1'])
  assert.equal(opened(), 1)
  assert.equal(await text(8), 'message 90')
  await Promise.resolve()
  assert.equal(opened(), 0)
})

test('a limited number of clients read ahead; one that ends makes room for another', async () => {
  const { reader, asked, text, ahead, opened } = storeOf(9)
  const taken: boolean[] = []
  while (taken.at(-1) !== false) taken.push(ahead.take())
  for (const index of [0, 1, 2]) assert.equal(await text(index), `message ${(index + 1) * 10}`)
  assert.deepEqual(asked, ['10×1', '20×1', '30×1'])
  ahead.give()
  assert.equal(await text(3), 'message 40')
  assert.equal(await text(4), 'held message 50')
  assert.equal(ahead.take(), false)
  reader.forget()
  reader.forget()
  await Promise.resolve()
  assert.equal(opened(), 0)
  assert.deepEqual([ahead.take(), ahead.take()], [true, false])
})
