import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { LogFacts } from '../base/log.ts'
import { Wheel } from '../base/wheel.ts'
import { Header } from '../mail/header.ts'
import { Refusal, status } from '../mail/status.ts'
import { SimulatedClock } from '../platform/simulated/clock.ts'
import { factsOfBytes } from '../store/facts.ts'
import type { SmtpClientFacts } from '../protocol/smtp/backend.ts'
import type { Answer, Check, CheckedMessage, CheckSession, Verdict } from './check.ts'
import { CheckRefusal, Checks, type ConnectionChecks, type MessageChecks } from './run-checks.ts'

const peer = { address: '198.51.100.7', port: 1, localAddress: '192.0.2.1', localPort: 25 }
const client: SmtpClientFacts = {
  ...{ connectionId: '7', service: 'smtp', peer, tls: null, helo: 'x.example' },
  ...{ withProtocol: 'ESMTP', user: null, trusted: false },
}
const user = { ...client, service: 'submission' as const, user: { accountId: 1, name: 'a@x.example' } }
const mailbox = { localPart: 'b', domain: 'x.example' }
const refuse: Verdict = { kind: 'refuse', status: status.relayDenied }
const defer: Verdict = { kind: 'defer', status: status.tooManyMessages }

interface Bench {
  readonly clock: SimulatedClock
  readonly warnings: LogFacts[]
  open(...checks: readonly Check[]): ConnectionChecks
}

function bench(): Bench {
  const clock = new SimulatedClock(0)
  const warnings: LogFacts[] = []
  const log = {
    debug() {},
    info() {},
    warn: (_: string, facts: LogFacts = {}) => void warnings.push(facts),
    error() {},
  }
  const tools = { log, wheel: new Wheel(clock) }
  return { clock, warnings, open: (...checks) => new Checks(checks, tools).begin(client) }
}

let names = 0
function check(session: CheckSession, more: Partial<Check> = {}): Check {
  return { name: `check ${++names}`, speaksFor: 'all', onFailure: 'pass', begin: () => session, ...more }
}

const begin = (connection: ConnectionChecks, from = client): MessageChecks =>
  connection.message(from, null, { body: '7bit', smtpUtf8: false })

function content(): Parameters<MessageChecks['message']>[0] {
  const text = 'Subject: x\r\n\r\n'
  const header = new Header(text)
  return {
    ...{ id: 'i', recipients: [mailbox], sizeBytes: 14, facts: factsOfBytes(Buffer.from(text)).message },
    header: async () => header,
    async *body() {},
    read: async () => new Uint8Array(0),
  }
}

/** The name of the check that refused, or '' where all passed. */
async function outcome(asked: () => Promise<void> | undefined): Promise<string> {
  try {
    await asked()
    return ''
  } catch (error) {
    assert.ok(error instanceof CheckRefusal, String(error))
    return error.check
  }
}

const kinds = fc.constantFrom('pass', 'note', 'refuse', 'defer', 'trust', 'break', 'break and defer')
type Kind = typeof kinds extends fc.Arbitrary<infer T> ? T : never

test('whatever checks say, in whatever order: the first refusal ends, notes before it are kept, each is told of the end once', async () => {
  const row = fc.record({ kind: kinds, waits: fc.boolean(), skips: fc.nat(5) })
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 7 }), fc.nat(7), async (rows, goneAt) => {
      const asked: number[] = []
      const closed: number[] = []
      let connection!: ConnectionChecks
      const verdictOf = (kind: Kind, at: number, skips: number): Verdict => {
        asked.push(at)
        // The client vanishes while this check works.
        if (at === goneAt) connection.closed()
        if (kind.startsWith('break')) throw new Error('broken')
        if (kind === 'note') return { kind, score: 1, fitted: [`${at}`] }
        if (kind === 'trust') return { kind, skips: [`${skips}`] }
        return kind === 'refuse' ? refuse : kind === 'defer' ? defer : undefined
      }
      const checks = rows.map(({ kind, waits, skips }, at): Check => {
        const say = (): Answer =>
          waits ? Promise.resolve().then(() => verdictOf(kind, at, skips)) : verdictOf(kind, at, skips)
        const onFailure = kind === 'break and defer' ? { defer: 'broken' } : 'pass'
        return check({ sender: say, closed: () => void closed.push(at) }, { name: `${at}`, onFailure })
      })
      connection = bench().open(...checks)
      const message = begin(connection)
      const refusedBy = await outcome(() => message.sender())
      message.end()
      connection.closed()

      const skipped = new Set<string>()
      const expected: { asked: number[]; fitted: string[]; refusedBy: string } = {
        asked: [],
        fitted: [],
        refusedBy: '',
      }
      for (const [at, { kind, skips }] of rows.entries()) {
        if (skipped.has(`${at}`)) continue
        expected.asked.push(at)
        if (kind === 'note') expected.fitted.push(`${at}`, `${at}: score 1`)
        // It cannot skip itself, nor those before it.
        if (kind === 'trust' && skips > at) skipped.add(`${skips}`)
        if (kind === 'refuse' || kind === 'defer' || kind === 'break and defer') {
          expected.refusedBy = `${at}`
          break
        }
      }
      assert.deepEqual({ asked, fitted: message.notes.fitted, refusedBy }, expected)
      assert.deepEqual(closed, [...rows.keys()])
    }),
  )
})

test('notes gather in order, and the score is their sum', async () => {
  const edit = { start: 1, end: 2 }
  const message = begin(
    bench().open(
      check({ sender: () => ({ kind: 'note', headers: ['X-One: 1'], score: 2, copies: ['c@x.example'] }) }),
      check({
        message: async () => ({ kind: 'note', headers: ['X-Two: 2'], score: -0.5, edits: [edit], discard: 'first' }),
      }),
      check({ message: () => ({ kind: 'note', hold: true, discard: 'second', fitted: ['rule'] }) }),
    ),
  )
  assert.equal(message.sender(), undefined)
  await message.message(content())
  const { headers, score, copies, edits, discard, hold, junk, fitted } = message.notes
  assert.deepEqual(
    { headers, score, copies, edits, discard, hold, junk },
    {
      headers: ['X-One: 1', 'X-Two: 2'],
      score: 1.5,
      copies: ['c@x.example'],
      edits: [edit],
      discard: 'first',
      hold: true,
      junk: false,
    },
  )
  assert.equal(fitted.at(-1), 'rule')
})

test('as long as no check gives a promise there is none, and no timer', () => {
  const clock = { ...{ now: () => 0, monotonic: () => 0, soon: () => {} }, after: () => assert.fail('a timer') }
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const quick = check({ hello: () => undefined, recipient: () => undefined }, { limitMs: 1000 })
  const connection = new Checks([quick, check({})], { log, wheel: new Wheel(clock) }).begin(client)
  const message = begin(connection)
  const asked = [
    connection.hello(client),
    message.sender(),
    message.recipient(mailbox, {}),
    message.data(),
    message.message(content()),
  ]
  assert.deepEqual(
    asked,
    asked.map(() => undefined),
  )
})

test('a check that hangs has its limit, is not waited for again in this message, and is asked anew in the next', async () => {
  for (const [onFailure, reply] of [
    ['pass', ''],
    [{ defer: 'The filter does not answer, try again later' }, 'slow'],
  ] as const) {
    const { clock, warnings, open } = bench()
    let asked = 0
    const hangs = (): Promise<Verdict> => {
      asked++
      return new Promise(() => {})
    }
    const connection = open(check({ recipient: hangs }, { name: 'slow', limitMs: 5000, onFailure }))
    const message = begin(connection)
    const startMs = clock.monotonic()
    assert.equal(await clock.until(outcome(() => message.recipient(mailbox, {}))), reply)
    const waitedMs = clock.monotonic() - startMs
    assert.ok(waitedMs >= 5000 && waitedMs <= 7000, `${waitedMs}`)
    assert.equal(await outcome(() => message.recipient(mailbox, {})), reply)
    assert.equal(clock.monotonic() - startMs, waitedMs)
    assert.equal(asked, 1)
    assert.deepEqual(
      warnings.map(({ check: name, moment, answer, connection: id }) => ({ name, moment, answer, id })),
      [{ name: 'slow', moment: 'recipient', answer: onFailure === 'pass' ? 'pass' : 'defer', id: '7' }],
    )
    message.end()
    await clock.until(outcome(() => begin(connection).recipient(mailbox, {})))
    assert.equal(asked, 2)
  }
})

test('an answer that comes after the limit changes nothing', async () => {
  const { clock, open } = bench()
  let late!: (error: Error) => void
  const slow = check({ sender: () => new Promise((_, reject) => (late = reject)) }, { limitMs: 1000 })
  const message = begin(open(slow))
  assert.equal(await clock.until(outcome(() => message.sender())), '')
  late(new Error('too late'))
  assert.equal(await outcome(() => message.data()), '')
})

test('a Refusal that a check throws is its verdict; a fault of ours is no answer of a check', async () => {
  const { warnings, open } = bench()
  const throws = (error: Error, waits: boolean) => () => {
    if (waits) return Promise.reject(error)
    throw error
  }
  for (const waits of [false, true]) {
    const refused = check({ sender: throws(new Refusal(status.directoryUnreachable), waits) }, { name: 'asks' })
    assert.equal(await outcome(() => begin(open(refused)).sender()), 'asks')
    const broken = new Error('the disk')
    const ours = begin(open(check({ sender: throws(broken, waits) }, { onFailure: 'fault' })))
    await assert.rejects(async () => ours.sender(), broken)
  }
  assert.deepEqual(warnings, [])
})

test('one that cannot begin answers as failed at every message, and the others go on', async () => {
  const { warnings, open } = bench()
  const fails = (onFailure: Check['onFailure']): Check =>
    check({}, { name: 'no start', onFailure, begin: () => assert.fail('cannot') })
  const passing = begin(open(fails('pass'), check({ sender: () => refuse }, { name: 'next' })))
  assert.equal(await outcome(() => passing.sender()), 'next')
  const connection = open(fails({ defer: 'later' }))
  assert.equal(await outcome(() => begin(connection).sender()), 'no start')
  assert.equal(await outcome(() => begin(connection).sender()), 'no start')
  assert.deepEqual(
    warnings.map(({ moment }) => moment),
    ['begin', 'begin'],
  )
})

test('a verdict that cannot be meant is an error of the check', async () => {
  const odd: readonly Verdict[] = [
    { kind: 'refuse', status: status.tooManyMessages },
    { kind: 'defer', status: status.relayDenied },
    { kind: 'note', score: NaN },
    { kind: 'note', headers: ['X-Spam: yes\r\nBcc: c@x.example'] },
    { kind: 'note', headers: ['no field'] },
  ]
  for (const verdict of odd) {
    const { warnings, open } = bench()
    const message = begin(open(check({ sender: () => verdict })))
    assert.equal(await outcome(() => message.sender()), '')
    assert.equal(warnings.length, 1)
    assert.deepEqual(message.notes.headers, [])
  }
})

test('a check speaks for those it names', async () => {
  const asked: string[] = []
  const connection = bench().open(
    ...(['unauthenticated', 'users', 'all'] as const).map((speaksFor) =>
      check({ sender: () => void asked.push(speaksFor) }, { speaksFor }),
    ),
  )
  const told = async (from: SmtpClientFacts): Promise<string[]> => {
    asked.length = 0
    await begin(connection, from).sender()
    return [...asked]
  }
  assert.deepEqual(await told(client), ['unauthenticated', 'all'])
  assert.deepEqual(await told(user), ['users', 'all'])
  assert.deepEqual(await told({ ...client, trusted: true }), ['all'])
  assert.deepEqual(await told({ ...client, peer: { ...peer, address: '127.0.0.1' } }), ['all'])
  assert.deepEqual(await told({ ...client, service: 'lmtp' }), ['all'])
})

test('trust said at EHLO holds for the connection, at MAIL for the message, at RCPT for the recipient', async () => {
  const trust: Verdict = { kind: 'trust', skips: ['late'] }
  const late = check({ recipient: () => refuse, message: () => refuse }, { name: 'late' })
  const run = async (session: CheckSession): Promise<string[]> => {
    const connection = bench().open(check(session), late)
    await connection.hello(client)
    const found: string[] = []
    for (const _ of [1, 2]) {
      const message = begin(connection)
      await message.sender()
      for (const moment of [() => message.recipient(mailbox, {}), () => message.message(content())])
        found.push(await outcome(moment))
      message.end()
    }
    return found
  }
  let first = true
  const once = (): Verdict => (first ? ((first = false), trust) : undefined)
  assert.deepEqual(await run({ hello: () => trust }), ['', '', '', ''])
  assert.deepEqual(await run({ sender: once }), ['', '', 'late', 'late'])
  first = true
  assert.deepEqual(await run({ recipient: once }), ['', 'late', 'late', 'late'])
})

test('what was noted at EHLO is a note of each message; another EHLO replaces it, a refused one does not', async () => {
  let verdict: Verdict = { kind: 'note', score: 1 }
  const connection = bench().open(check({ hello: () => verdict }))
  await connection.hello(client)
  assert.deepEqual([begin(connection).notes.score, begin(connection).notes.score], [1, 1])
  verdict = refuse
  assert.notEqual(await outcome(() => connection.hello(client)), '')
  assert.equal(begin(connection).notes.score, 1)
  verdict = { kind: 'note', score: 3 }
  await connection.hello(client)
  assert.equal(begin(connection).notes.score, 3)
})

test('the end is told once nothing is under way: not before a message whose bytes had come is decided', async () => {
  const { warnings, open } = bench()
  const told: string[] = []
  let answer!: (verdict: Verdict) => void
  const connection = open(
    check({ closed: () => assert.fail('broken') }),
    check({
      message: () => new Promise<Verdict>((resolve) => (answer = resolve)),
      closed: () => void told.push('closed'),
    }),
  )
  const message = begin(connection)
  const decided = message.message(content())!
  connection.closed()
  connection.closed()
  assert.deepEqual(told, [])
  answer(undefined)
  await decided
  assert.deepEqual(told, [])
  message.end()
  message.end()
  assert.deepEqual(told, ['closed'])
  assert.equal(warnings.length, 1)
})

test('a refused recipient is told to all, and what they make of it breaks nothing', () => {
  const { open } = bench()
  const told: string[] = []
  const message = begin(
    open(
      check({ refused: () => assert.fail('broken') }),
      check({ refused: (_, { localPart }, { enhanced }) => void told.push(localPart, enhanced) }),
      check({ refused: () => assert.fail('of others') }, { speaksFor: 'users' }),
    ),
  )
  message.refused(mailbox, status.mailboxUnknown)
  assert.deepEqual(told, ['b', '5.1.1'])
})

test('checks see what those before them have noted, and the envelope', async () => {
  let seen: CheckedMessage | undefined
  const message = begin(
    bench().open(
      check({ message: () => ({ kind: 'note', score: 4 }) }),
      check({ message: (_, given) => void (seen = given) }),
    ),
  )
  await message.message(content())
  assert.equal(seen?.notes().score, 4)
  assert.equal(seen.reversePath, null)
  assert.deepEqual(seen.recipients, [mailbox])
})

test('two checks of one name are refused: trust goes by name', () => {
  const one = check({}, { name: 'one' })
  assert.throws(() => bench().open(one, one), /two checks are called one/)
})
