import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../base/log.ts'
import { SimulatedClock } from '../platform/simulated/clock.ts'
import { memoryFiles } from '../platform/simulated/files.ts'
import { status } from '../mail/status.ts'
import type { SmtpClientFacts } from '../protocol/smtp/backend.ts'
import { timePrefix } from '../store/arrival-id.ts'
import { FileTrace, traceMaxBytes, type RefusedFacts } from './trace.ts'
import { findTraces, tracesOf } from './trace-search.ts'

const start = Date.UTC(2026, 1, 1, 12)
const day = 86_400_000

function world() {
  const clock = new SimulatedClock(start)
  const files = memoryFiles()
  return { clock, files, trace: new FileTrace('trace', files, clock, silentLog) }
}

const client = {
  connectionId: 'c1',
  service: 'smtp',
  peer: { address: '192.0.2.1', port: 4711, localAddress: '192.0.2.9', localPort: 25 },
  tls: null,
  helo: 'there.example',
  withProtocol: 'ESMTP',
  user: null,
} as unknown as SmtpClientFacts

const mailbox = (localPart: string, domain: string) => ({ localPart, domain })

test('messages of unauthenticated clients are traced shortly, and those of one network fill a share of the day at most', async () => {
  const { clock, files, trace } = world()
  const recipients = Array.from({ length: 1000 }, (_, n) => ({ mailbox: mailbox(`bob+${n}`, 'here.example') }))
  const arrived = (who: SmtpClientFacts, n: number): void =>
    trace.arrived({
      arrival: {
        id: `${timePrefix(clock.now())}${n}`,
        atMs: clock.now(),
        reversePath: null,
        recipients,
        body: '7bit',
        smtpUtf8: false,
      },
      client: who,
      parameters: { body: '7bit', smtpUtf8: false },
      sizeBytes: 1,
      messageId: undefined,
      refused: [],
      planned: recipients.map(({ mailbox: { localPart } }) => ({
        recipient: localPart,
        plans: [{ kind: 'discard' as const, recipient: localPart, rule: 'x'.repeat(2000) }],
      })),
      replies: [],
    })
  const bytes = async (): Promise<number> => {
    await trace.flush()
    return (await files.sizeBytes('trace/2026-02-01.jsonl')) ?? 0
  }
  arrived(client, 0)
  const one = await bytes()
  assert.ok(one < 100_000, `${one} bytes`)
  for (let n = 0; n < 600; n++) arrived(client, n)
  const share = await bytes()
  assert.ok(share < traceMaxBytes / 15, `${share} bytes of one network`)
  const elsewhere = { ...client, peer: { ...client.peer, address: '198.51.100.1' } }
  arrived(elsewhere, 1)
  assert.ok((await bytes()) > share)
  arrived({ ...client, user: { name: 'alice', accountId: 1 } as never }, 2)
  assert.ok((await bytes()) > share + 1_000_000, 'our own are told whole')
})

const refusedFacts = (id: string, more: Partial<RefusedFacts> = {}): RefusedFacts => ({
  id,
  client,
  reversePath: mailbox('eve', 'there.example') as never,
  parameters: { body: '7bit', smtpUtf8: false, sizeBytes: 77 },
  recipients: [],
  refused: [{ address: 'nobody@here.example', status: status.mailboxUnknown }],
  ...more,
})

async function idsOf(files: ReturnType<typeof memoryFiles>, text: string, limit = 100): Promise<readonly string[]> {
  return (await findTraces(files, 'trace', { text, limit })).ids
}

test('a refusal is found by sender, recipient, peer and name, and says why', async () => {
  const { files, trace } = world()
  trace.refused(refusedFacts('r1'))
  await trace.flush()
  for (const text of [
    'eve@there.example',
    'nobody@here.example',
    'NOBODY@here.example',
    '@here.example',
    '192.0.2.1',
    'r1',
  ])
    assert.deepEqual(await idsOf(files, text), ['r1'], text)
  const [line] = (await tracesOf(files, 'trace', ['r1'])).get('r1')!
  assert.equal(line!.event, 'refused')
  assert.match(String((line!['refused'] as string[])[0]), /^nobody@here\.example: 550 5\.1\.1 /)
  assert.equal(line!['parameters'], 'SIZE=77')
  assert.equal(line!['rules'], undefined)
})

test('a refusal says what checks had noted before', async () => {
  const { files, trace } = world()
  trace.refused(refusedFacts('r1', { rules: ['spam: score 12'] }))
  await trace.flush()
  const [line] = (await tracesOf(files, 'trace', ['r1'])).get('r1')!
  assert.deepEqual(line!['rules'], ['spam: score 12'])
})

test('a search finds whole words only', async () => {
  const { files, trace } = world()
  trace.note({ id: 'a1', event: 'attempt', outcome: 'later', delayMs: 0, recipient: 'malice@here.example' })
  trace.note({ id: 'a2', event: 'attempt', outcome: 'later', delayMs: 0, recipient: 'alice@here.example.net' })
  trace.note({
    id: 'a3',
    event: 'attempt',
    outcome: 'later',
    delayMs: 0,
    recipient: 'x',
    words: 'no alice@here.example.',
  })
  trace.note({ id: 'a4', event: 'attempt', outcome: 'later', delayMs: 0, recipient: 'x.alice@here.example' })
  await trace.flush()
  assert.deepEqual(await idsOf(files, 'alice@here.example'), ['a3'])
  assert.deepEqual(await idsOf(files, 'a'), [])
})

test('days are searched from the newest, within the time given', async () => {
  const { clock, files, trace } = world()
  const id = (n: number): string => `${timePrefix(start + n * day)}x`
  for (let n = 0; n < 5; n++) {
    trace.note({
      id: id(n),
      event: 'ended',
      outcome: 'bounced',
      delayMs: 0,
      why: '',
      recipient: 'alice@here.example',
    })
    await trace.flush()
    await clock.pass(day)
  }
  assert.equal((await files.list('trace')).length, 5)
  const all = await findTraces(files, 'trace', { text: 'alice@here.example', limit: 10 })
  assert.deepEqual(all, { ids: [4, 3, 2, 1, 0].map(id), more: false })
  const newest = await findTraces(files, 'trace', { text: 'alice@here.example', limit: 2 })
  assert.deepEqual(newest, { ids: [id(4), id(3)], more: true })
  const middle = await findTraces(files, 'trace', { sinceMs: start + day, untilMs: start + 3 * day - 1, limit: 9 })
  assert.deepEqual(middle.ids, [id(2), id(1)])
  // The trace continues on the next day.
  trace.note({ id: id(1), event: 'ended', outcome: 'bounced', delayMs: 0, why: '', recipient: 'late' })
  await trace.flush()
  assert.equal((await tracesOf(files, 'trace', [id(1)])).get(id(1))!.length, 2)
})

test('guessing addresses fills a quarter of the day at most, and an incomplete line is skipped', async () => {
  const { files, trace } = world()
  const words = 'x'.repeat(1_000_000)
  const recipients = [mailbox(words, 'here.example') as never]
  for (let i = 0; i < traceMaxBytes / 4 / 1_000_000 + 20; i++) {
    trace.refused(refusedFacts(`r${i}`, { recipients }))
    if (i % 20 === 0) await trace.flush()
  }
  trace.note({ id: 'm1', event: 'ended', outcome: 'bounced', delayMs: 0, why: '', recipient: 'alice@here.example' })
  await trace.flush()
  const size = (await files.sizeBytes('trace/2026-02-01.jsonl'))!
  assert.ok(size < traceMaxBytes / 4 + 2_000_000 && size > traceMaxBytes / 4, `${size}`)
  assert.deepEqual(await idsOf(files, 'm1'), ['m1'])
  await files.append('trace/2026-02-01.jsonl', Buffer.from('{"id":"m2","at":"2026'))
  await files.append('trace/2026-02-01.jsonl', Buffer.from('\n'))
  assert.deepEqual(await idsOf(files, 'm2'), [])
})

test('a failing disk is logged once, and once more when it works again', async () => {
  const clock = new SimulatedClock(start)
  const files = memoryFiles()
  const append = files.append.bind(files)
  const told: string[] = []
  const note = (event: string): void => void told.push(event)
  const trace = new FileTrace('trace', files, clock, { ...silentLog, info: note, warn: note })
  const noteOne = async (id: string): Promise<void> => {
    trace.note({ id, event: 'notice' })
    await trace.flush()
  }
  files.append = () => Promise.reject(new Error('no space left'))
  for (let i = 0; i < 20; i++) await noteOne(`a${i}`)
  assert.deepEqual(told, ['trace could not be written'])
  files.append = append
  for (let i = 0; i < 20; i++) await noteOne(`b${i}`)
  assert.deepEqual(told, ['trace could not be written', 'trace is written again'])
  files.append = () => Promise.reject(new Error('no space left'))
  await noteOne('c')
  assert.equal(told.length, 3)
})
