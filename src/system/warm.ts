/**
 * Exercises IMAP once after a start, on a store of its own in memory: code that ran a few hundred times is compiled, and the first client
 * finds what the hundredth would. docs/performance.md, "first" and "warm".
 */
import { latin1 } from '../base/bytes.ts'
import { begun } from '../base/running.ts'
import { sleep, turn, type Clock } from '../base/clock.ts'
import { silentLog, type Log } from '../base/log.ts'
import type { Connection, ConnectionHandler } from '../base/network.ts'
import { Wheel } from '../base/wheel.ts'
import { StoreImapBackend } from '../access/imap/backend.ts'
import type { AccountId } from '../mail/ids.ts'
import { drive } from '../protocol/drive.ts'
import { ImapSession } from '../protocol/imap/session.ts'
import { openStore } from '../store/sqlite/engine.ts'
import type { Store } from '../store/store.ts'

/** From the start on: what a start itself has to do comes first. */
const delayMs = 100
/** How long a command of others keeps this waiting. */
const restMs = 20
/** A server that is busy from its start on is warmed by its work. */
const giveUpMs = 5000

/** Enough that loops are compiled in a few turns, and a command is over within 5 ms. Twice or four times as much made nothing quicker. */
const messages = 150
/** The messages of a turn's mailbox are so many times these: SELECT reads all of them, as it does once only in a mailbox's life. */
const copies = 4
/** Of one APPEND. */
const batch = 10
const turns = 3
/** Single messages that are fetched in each turn. */
const singles = 25

/** A tagged line is shorter. */
const lineMax = 2000

const mailbox = 'INBOX'
const user = { domain: 'warm.invalid', name: 'warm@warm.invalid' }

export interface WarmTools {
  readonly clock: Clock
  readonly log: Log
  /** The store of the system: its statements are prepared. Nothing is written to it. */
  readonly store: Store
}

export interface Warming {
  /** Resolves when all was done, or given up. */
  readonly over: Promise<void>
  /** Resolves when nothing of it runs any more. */
  end(): Promise<void>
}

export function warmUp({ clock, log, store }: WarmTools): Warming {
  let isStopped = false
  let begin!: () => void
  const begins = new Promise<void>((resolve) => (begin = resolve))
  const timer = clock.after(delayMs, begin)
  const over = begins
    .then(() => {
      const untilMs = clock.monotonic() + giveUpMs
      return exercise({ clock, store, isOver: () => isStopped || clock.monotonic() > untilMs })
    })
    .catch((error: unknown) => log.warn('warm-up failed', { error: String(error) }))
  return {
    over,
    end() {
      isStopped = true
      timer.cancel()
      begin()
      return over
    },
  }
}

interface Exercise {
  readonly clock: Clock
  readonly store: Store
  readonly isOver: () => boolean
}

async function exercise({ clock, store, isOver }: Exercise): Promise<void> {
  if (isOver()) return
  await prepareStatements(store)
  const own = await openStore({ folder: ':memory:', clock, log: silentLog })
  try {
    const connection = new NullConnection()
    const session = new ImapSession(await optionsFor(own, clock))
    drive(connection, session, { clock, wheel: new Wheel(clock), log: silentLog })
    for (const command of commands()) {
      // Each command is a turn of the loop, and comes only while nothing else does.
      await turn(clock)
      const before = begun()
      await turn(clock)
      if (begun() !== before) await sleep(clock, restMs)
      if (isOver()) break
      await connection.ask(command)
    }
    connection.destroy()
  } finally {
    await own.close()
  }
}

/** Reads of a mailbox that does not exist: SQLite compiles their statements, and finds nothing. */
async function prepareStatements({ read }: Store): Promise<void> {
  await read.mailboxByName(0 as AccountId, mailbox)
  await read.mailboxes(0 as AccountId)
  await read.subscriptions(0 as AccountId)
  const needs = [
    { facts: false, bytes: true },
    { facts: true },
    { facts: false, envelope: true },
    { facts: true, envelope: true, bodyStructure: true },
  ]
  for (const need of needs)
    for (const uids of [Uint32Array.of(1), Uint32Array.of(1, 2)]) for await (const _ of read.rows(0, uids, need)) break
}

async function optionsFor(store: Store, clock: Clock): Promise<ConstructorParameters<typeof ImapSession>[0]> {
  const [, { id }] = await store.commit([
    { kind: 'domainAdd', name: user.domain },
    {
      kind: 'accountAdd',
      name: user.name,
      quotaBytes: 0,
      mailboxes: [{ name: mailbox, role: 'inbox' }],
      nowMs: clock.now(),
    },
  ])
  return {
    backend: new StoreImapBackend({ store, clock, messageBytesMax: () => 2 ** 20 }),
    authenticator: { verifyPassword: async () => ({ accountId: id, name: user.name }) },
    mechanisms: [],
    startTls: false,
    plaintextAuth: true,
    serverName: 'Pennypost',
  }
}

/** What clients do with a mailbox, in turns. */
function* commands(): Generator<string, void, void> {
  yield `LOGIN ${user.name} x`
  for (let at = 0; at < messages; at += batch) yield append(at)
  for (let at = 0; at < turns; at++) {
    // A mailbox of its own, or its table would be in memory.
    const copy = `Warm${at}`
    yield `SELECT ${mailbox}`
    yield `CREATE ${copy}`
    for (let n = 0; n < copies; n++) yield `COPY 1:* ${copy}`
    yield `SELECT ${copy}`
    yield 'FETCH 1:* (UID FLAGS)'
    yield `STORE 1:${messages / 2} +FLAGS.SILENT (\\Flagged)`
    yield 'UID FETCH 1:* (FLAGS)'
    yield 'FETCH 1:* (FLAGS UID RFC822.SIZE INTERNALDATE)'
    yield `FETCH 1:${messages} BODY.PEEK[]`
    yield 'FETCH 1:50 (ENVELOPE BODYSTRUCTURE)'
    for (let n = 1; n <= singles; n++) yield `UID FETCH ${n} (UID FLAGS BODY.PEEK[])`
    yield 'STORE 1:* -FLAGS.SILENT (\\Flagged)'
    yield 'NOOP'
  }
}

function append(from: number): string {
  let text = `APPEND ${mailbox}`
  for (let n = from; n < from + batch; n++) {
    const line = `Line ${n} of a message that is read by nothing but a program.\r\n`
    const message = `From: Warm <${user.name}>\r\nTo: ${user.name}\r\nSubject: ${n}\r\nDate: Fri, 2 Jan 2026 03:04:05 +0000\r\n\r\n${line.repeat(20)}`
    text += ` (${n % 3 === 0 ? '' : '\\Seen'}) {${message.length}+}\r\n${message}`
  }
  return text
}

/** A peer that reads everything and keeps nothing. */
class NullConnection implements Connection {
  readonly peer = { address: '127.0.0.1', port: 0, localAddress: '127.0.0.1', localPort: 0 }
  readonly tls = null
  #handler: ConnectionHandler | undefined
  #answered = (_line: string): void => {}

  receive(handler: ConnectionHandler): void {
    this.#handler = handler
  }

  /** Resolves when the command's last line was said. */
  ask(command: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#answered = (line) => (line.startsWith('w OK') ? resolve() : reject(new Error(line)))
      this.#handler!.data(Buffer.from(`w ${command}\r\n`, 'latin1'))
    })
  }

  write(bytes: Uint8Array): boolean {
    const end = latin1(bytes, Math.max(0, bytes.length - lineMax))
    const line = /(?:^|\r\n)(w (?:OK|NO|BAD) [^\r\n]*)\r\n$/.exec(end)?.[1]
    if (line !== undefined) this.#answered(line)
    return true
  }

  pause(): void {}
  resume(): void {}
  end(): void {}

  destroy(): void {
    this.#handler?.close()
  }

  startTlsServer(): Promise<never> {
    return Promise.reject(new Error('no TLS here'))
  }

  startTlsClient(): Promise<never> {
    return Promise.reject(new Error('no TLS here'))
  }
}
