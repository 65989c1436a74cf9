/** An answer of FETCH that was kept is the one that would be made: for every session, after every change. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat } from '../../base/bytes.ts'
import { silentLog } from '../../base/log.ts'
import { flagWordBits } from '../../mail/flags.ts'
import { realClock } from '../../platform/real/clock.ts'
import type { ImapAccount, ImapSelected, MessageTable } from '../../protocol/imap/backend.ts'
import type { Conversation } from '../../protocol/imap/command.ts'
import { fetchItems } from '../../protocol/imap/fetch/items.ts'
import { KeptAnswers } from '../../protocol/imap/fetch/kept-answers.ts'
import { fromTables } from '../../protocol/imap/fetch/table-lines.ts'
import { MemoryBackend } from '../../protocol/imap/memory/backend.ts'
import { Out } from '../../protocol/imap/out.ts'
import { View } from '../../protocol/imap/view.ts'
import { Line } from '../../protocol/imap/wire/line.ts'
import { addAccount } from '../../store/conformance/fixtures.ts'
import { openStore } from '../../store/sqlite/engine.ts'
import { StoreImapBackend } from './backend.ts'

const set = (text: string) => new Line(Buffer.from(text)).sequenceSet()

/** One session, as far as FETCH sees it. */
class Session {
  readonly selected: ImapSelected
  readonly view: View

  constructor(selected: ImapSelected, rev2: boolean) {
    this.selected = selected
    this.view = new View(selected)
    this.view.rev2 = rev2
  }

  /** The answer in pieces, without news of keywords before it. */
  *pieces(items: string, messages: string): Generator<Uint8Array, void, void> {
    const out = new Out()
    this.view.flags(out)
    out.take()
    const conversation = { view: this.view, selected: this.selected, out } as unknown as Conversation
    const uids = this.view.resolve(set(messages), true)
    yield* fromTables(conversation, fetchItems(new Line(Buffer.from(items))), uids)
    yield out.take()
  }

  answer(items: string, messages: string): Uint8Array {
    return concat([...this.pieces(items, messages)])
  }

  /** What must be in it, message by message, with nothing remembered. */
  expected(items: string, messages: string): string {
    const { uids, count, flagsLow, flagsHigh, modSeqs } = this.selected.table()
    const kinds = fetchItems(new Line(Buffer.from(items))).map(({ kind }) => kind)
    let text = ''
    for (const uid of this.view.resolve(set(messages), true)) {
      const index = uids.subarray(0, count).indexOf(uid)
      if (index < 0) continue
      const names = this.selected
        .flagNames()
        .filter((_, bit) => ((bit < flagWordBits ? flagsLow : flagsHigh)[index]! >>> (bit % flagWordBits)) & 1)
      if (!this.view.rev2 && this.view.recent.has(uid)) names.push('\\Recent')
      const said = kinds.map((kind) =>
        kind === 'uid' ? `UID ${uid}` : kind === 'flags' ? `FLAGS (${names.join(' ')})` : `MODSEQ (${modSeqs[index]})`,
      )
      const told = this.view.uids.subarray(0, this.view.count).indexOf(uid) + 1
      text += `* ${told} FETCH (${said.join(' ')})\r\n`
    }
    return text
  }
}

const number = fc.nat({ max: 11 })
const flag = fc.constantFrom('\\Seen', '\\Deleted', '\\Flagged', '$Junk', 'k1', 'k2', 'k3', 'k4')
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('ask' as const),
      session: number,
      items: fc.constantFrom(
        '(UID FLAGS)',
        '(UID FLAGS)',
        '(FLAGS UID)',
        'FLAGS',
        '(UID FLAGS MODSEQ)',
        '(UID FLAGS UID)',
      ),
      messages: fc.constantFrom('1:*', '1:*', '1:*', '1:4', '2:*', '1,2,3:*'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('append' as const), flags: fc.uniqueArray(flag, { maxLength: 2 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('store' as const),
      session: number,
      messages: fc.constantFrom('1:*', '2', '3:5', '6'),
      mode: fc.constantFrom('add' as const, 'remove' as const, 'replace' as const),
      flags: fc.uniqueArray(flag, { maxLength: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('expunge' as const), session: number }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('tell' as const), session: number, expunge: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('select' as const), readOnly: fc.boolean(), rev2: fc.boolean() }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

async function append(account: ImapAccount, flags: readonly string[]): Promise<void> {
  const sink = account.appendSink()
  sink.write(Buffer.from('a: b\r\n\r\n'))
  await account.append('INBOX', [{ content: await sink.finish(), flags }])
}

/** @returns how often an answer was another's bytes. */
async function run(account: ImapAccount, steps: readonly Step[]): Promise<number> {
  const open = async (readOnly: boolean, rev2: boolean): Promise<Session> =>
    new Session(await account.select('INBOX', { readOnly, onChange() {} }), rev2)
  for (let i = 0; i < 6; i++) await append(account, i % 2 ? [] : ['\\Seen'])
  const sessions = [await open(false, false), await open(false, false), await open(true, true)]
  const answers = new Set<Uint8Array>()
  let given = 0
  for (const one of steps) {
    const session = 'session' in one ? sessions[one.session % sessions.length]! : sessions[0]!
    const { view, selected } = session
    if (one.kind === 'append') await append(account, one.flags)
    else if (one.kind === 'store') await selected.store(view.resolve(set(one.messages), true), one.mode, one.flags)
    else if (one.kind === 'expunge') await selected.expunge()
    else if (one.kind === 'tell') view.flushUpdates(new Out(), one.expunge)
    else if (one.kind === 'select') sessions.push(await open(one.readOnly, one.rev2))
    else {
      const answer = session.answer(one.items, one.messages)
      assert.equal(Buffer.from(answer).toString('latin1'), session.expected(one.items, one.messages))
      if (answer.length > 0 && answers.has(answer)) given++
      answers.add(answer)
    }
  }
  for (const { selected } of sessions) selected.close()
  return given
}

test('an answer by the table is what would be made without memory: in the memory backend', async () => {
  let given = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), async (steps) => {
      const backend = new MemoryBackend()
      backend.addUser('u', 'p')
      given += await run(await backend.open({ accountId: 1, name: 'u' }), steps)
    }),
    { numRuns: 300 },
  )
  assert.ok(given > 30, `${given} answers were given again`)
})

test('an answer by the table is what would be made without memory: on the store', async (t) => {
  const store = await openStore({ folder: ':memory:', clock: realClock, log: silentLog })
  t.after(() => store.close())
  const backend = new StoreImapBackend({ store, clock: realClock, messageBytesMax: () => 1000 })
  let number = 0
  let given = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), async (steps) => {
      const { id } = await addAccount(store, `u${++number}@example.org`)
      given += await run(await backend.open({ accountId: id } as never), steps)
    }),
    { numRuns: 60 },
  )
  assert.ok(given > 5, `${given} answers were given again`)
})

test('an answer during which a flag changed is not kept', async () => {
  const backend = new MemoryBackend()
  backend.addUser('u', 'p')
  const account = await backend.open({ accountId: 1, name: 'u' })
  const sink = account.appendSink()
  sink.write(Buffer.from('a: b\r\n\r\n'))
  const one = { content: await sink.finish(), flags: [] }
  // More than two buffers.
  await account.append(
    'INBOX',
    Array.from({ length: 4000 }, () => one),
  )
  const open = async () => new Session(await account.select('INBOX', { readOnly: false, onChange() {} }), true)
  const [asking, storing] = [await open(), await open()]
  const pieces = asking.pieces('(UID FLAGS)', '1:*')
  assert.ok(pieces.next().value!.length > 0)
  await storing.selected.store(Uint32Array.of(1, 4000), 'add', ['\\Flagged'])
  const rest = concat([...pieces])
  assert.ok(Buffer.from(rest).includes('(UID 4000 FLAGS (\\Flagged))'))
  const again = storing.answer('(UID FLAGS)', '1:*')
  assert.equal(Buffer.from(again).toString('latin1'), storing.expected('(UID FLAGS)', '1:*'))
  assert.deepEqual(asking.answer('(UID FLAGS)', '1:*'), again)
})

test('kept answers stay below their limit, the oldest go, and a large one is not kept at all', () => {
  const tables = Array.from({ length: 20 }, () => ({}) as MessageTable)
  const kept = new KeptAnswers(10_000)
  const question = { items: 'uid', modSeq: 1 as never, count: 1 }
  for (const table of tables) {
    kept.set(table, question, new Uint8Array(1000))
    assert.ok(kept.get(table, question))
    assert.ok(kept.bytes <= 10_000)
  }
  assert.equal(tables.filter((table) => kept.get(table, question)).length, 6)
  const last = tables.at(-1)!
  for (let i = 0; i < 20; i++) kept.set(last, question, new Uint8Array(1000))
  assert.equal(tables.filter((table) => kept.get(table, question)).length, 6, 'one in the place of another')
  kept.set(last, question, new Uint8Array(3000))
  assert.equal(kept.get(last, question)?.length, 1000)
})
