import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Action, Session, SessionHost } from '../action.ts'
import type { TlsFacts } from '../../base/network.ts'
import type { ContentSink } from '../../mail/content.ts'
import { commandTable } from '../command.ts'
import type { AppendContent, ImapAccount, ImapBackend } from './backend.ts'
import { capability } from './commands/capability.ts'
import { enable } from './commands/enable.ts'
import { login } from './commands/login.ts'
import { lineBeforeLoginMaxBytes, lineMaxBytes } from './limits.ts'
import { MemoryBackend } from './memory/backend.ts'
import { passwordMechanisms } from '../sasl/mechanisms.ts'
import type { ImapOptions } from './options.ts'
import { ImapSession } from './session.ts'

const memory = new MemoryBackend()
memory.addUser('u', 'p')

const facts: TlsFacts = { version: 'TLSv1.3', cipher: 'x', resumed: false }

class Host implements SessionHost {
  readonly peer = { address: '192.0.2.1', port: 1, localAddress: '192.0.2.2', localPort: 143 }
  tls: TlsFacts | null = null
  woken = 0
  readonly session: ImapSession
  actions: Action['kind'][] = []

  constructor(options: Partial<ImapOptions> = {}) {
    this.session = new ImapSession({
      backend: memory,
      authenticator: memory,
      mechanisms: passwordMechanisms,
      startTls: true,
      plaintextAuth: true,
      serverName: 'T',
      ...options,
    })
    this.session.start(this)
  }

  wake(): void {
    this.woken++
  }

  /** What a driver does, one action after another; a rejected verb is handed to `failed()`. */
  async say(text: string): Promise<string> {
    if (text !== '') this.session.receive(Buffer.from(text, 'latin1'))
    let said = ''
    const hear = (bytes: Uint8Array | undefined): void => {
      if (bytes) said += Buffer.from(bytes).toString('latin1')
    }
    for (;;) {
      const action = this.session.next()
      this.actions.push(action.kind)
      try {
        if (action.kind === 'wait') return said
        else if (action.kind === 'write') hear(action.bytes)
        else if (action.kind === 'close') {
          hear(action.bytes)
          return said + '<closed>'
        } else if (action.kind === 'startTls') {
          hear(action.reply)
          this.tls = facts
          action.done(facts)
        } else if ('then' in action.work) hear(await action.work)
        else for await (const bytes of action.work) hear(bytes)
      } catch (error) {
        hear((this.session as Session).failed(error))
      }
    }
  }
}

/** The memory's account with some methods replaced. */
function backendWith(change: (account: ImapAccount) => Partial<ImapAccount>): ImapBackend {
  return {
    async open(user) {
      const account = await memory.open(user)
      return new Proxy(account, {
        get: (target, name) => {
          const own = change(target)[name as keyof ImapAccount]
          if (own !== undefined) return own
          const value = target[name as keyof ImapAccount] as unknown
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    },
  }
}

async function signedIn(options: Partial<ImapOptions> = {}): Promise<Host> {
  const host = new Host(options)
  assert.match(await host.say('a LOGIN u p\r\n'), /a OK/)
  return host
}

test('what is pipelined behind STARTTLS is dropped unread', async () => {
  const host = new Host()
  const said = await host.say('a STARTTLS\r\nb LOGIN u p\r\nc NOOP\r\n')
  assert.match(said, /a OK Begin TLS negotiation now\r\n$/)
  assert.match(await host.say('d NOOP\r\n'), /^d OK/)
  assert.equal(host.session.state, 'notAuthenticated')
})

test('pipelined commands are answered in order and in one write', async () => {
  const host = new Host()
  await host.say('')
  host.actions = []
  const said = await host.say('a NOOP\r\nb NOOP\r\nc CAPABILITY\r\n')
  assert.deepEqual(said.match(/^[abc] OK/gm), ['a OK', 'b OK', 'c OK'])
  assert.deepEqual(host.actions, ['write', 'wait'])
})

test('an unexpected error is NO [SERVERBUG], and the session goes on', async () => {
  const broken = backendWith(() => ({ status: () => Promise.reject(new Error('disk on fire')) }))
  const host = await signedIn({ backend: broken })
  assert.match(await host.say('b STATUS INBOX (MESSAGES)\r\nc NOOP\r\n'), /^b NO \[SERVERBUG\] [^\r]*\r\nc OK/)
})

/** A message of which so many bytes can be read. */
async function torn(goodBytes: number): Promise<Host> {
  const read = async (start: number, end: number): Promise<Uint8Array> => {
    if (end > goodBytes) throw new Error('torn')
    return Buffer.alloc(end - start, 'x')
  }
  const broken = backendWith((account) => ({
    async select(name, options) {
      const selected = await account.select(name, options)
      return new Proxy(selected, {
        get: (target, key) => {
          if (key !== 'fetch') {
            const value = target[key as keyof typeof target] as unknown
            return typeof value === 'function' ? value.bind(target) : value
          }
          return async function* () {
            yield [{ uid: 1, bytes: { sizeBytes: 100_000, read } }]
          }
        },
      })
    },
  }))
  const host = await signedIn({ backend: broken })
  await host.say('b APPEND INBOX {3+}\r\nx:y\r\nc SELECT INBOX\r\n')
  return host
}

test('a fault inside a literal that has begun to leave hangs up without a word', async () => {
  const host = await torn(70_000)
  assert.match(await host.say('d FETCH 1 BODY.PEEK[]\r\n'), /^\* 1 FETCH \(BODY\[\] \{100000\}\r\nx+<closed>$/)
})

test('a response that fails before it has left is taken back', async () => {
  const host = await torn(0)
  const said = await host.say('d FETCH 1 (UID BODY.PEEK[])\r\ne NOOP\r\n')
  assert.match(said, /^d NO \[SERVERBUG\][^\r]*\r\ne OK/)
})

test('a sink that is full is waited for before more is written', async () => {
  let waits = 0
  let held = 0
  let most = 0
  const slow = backendWith((account) => ({
    appendSink(): ContentSink<AppendContent> {
      const sink = account.appendSink()
      return {
        ...sink,
        write(bytes) {
          sink.write(bytes)
          held += bytes.length
          most = Math.max(most, held)
          return held < 1000
        },
        async drained() {
          waits++
          held = 0
        },
      }
    },
  }))
  const host = await signedIn({ backend: slow })
  await host.say(`b APPEND INBOX {${100_000}+}\r\n`)
  let said = ''
  for (let i = 0; i < 200; i++) said += await host.say('x'.repeat(500))
  said += await host.say('\r\n')
  assert.match(said, /b OK \[APPENDUID/)
  assert.ok(waits >= 99, `${waits} waits`)
  assert.ok(most <= 1500, `${most} bytes unwaited`)
})

test('a sink that fails is aborted and its literal swallowed before the answer', async () => {
  let aborted = 0
  const broken = backendWith((account) => ({
    appendSink(): ContentSink<AppendContent> {
      return {
        ...account.appendSink(),
        write: () => false,
        drained: () => Promise.reject(new Error('full')),
        abort: () => void aborted++,
      }
    },
  }))
  const host = await signedIn({ backend: broken })
  assert.equal(await host.say('b APPEND INBOX {24+}\r\nx NOOP\r\n'), '')
  assert.match(await host.say('y NOOP\r\nz NOOP\r\n\r\nc NOOP\r\n'), /^b NO \[SERVERBUG\][^\r]*\r\nc OK[^\r]*\r\n$/)
  assert.equal(aborted, 1)
})

test('a client that leaves in the middle of an APPEND leaves nothing behind', async () => {
  let aborted = 0
  const watched = backendWith((account) => ({
    appendSink: () => ({ ...account.appendSink(), abort: () => void aborted++ }),
  }))
  const host = await signedIn({ backend: watched })
  await host.say('b APPEND INBOX {100}\r\nhalf')
  host.session.ended()
  assert.equal(await host.say(''), '<closed>')
  host.session.closed()
  assert.equal(aborted, 1)
})

test('a literal whose line end has not come with it is acknowledged: a client that writes both apart waits for that', async () => {
  const host = new Host()
  await host.say('')
  await host.say('a LOGIN u p\r\n')
  assert.equal(await host.say('b APPEND INBOX {6}\r\n'), '+ OK\r\n')
  assert.equal(await host.say('A: b'), '')
  assert.equal(await host.say('\r\n'), '* OK Literal received\r\n')
  assert.match(await host.say('\r\n'), /^b OK \[APPENDUID /)
  assert.equal(await host.say('c APPEND INBOX {6}\r\n'), '+ OK\r\n')
  assert.match(await host.say('A: b\r\n\r\n'), /^c OK \[APPENDUID /, 'no client waits')
  assert.equal(await host.say('d APPEND INBOX {6+}\r\nA: b\r\n'), '', 'not asked')
  assert.match(await host.say('\r\n'), /^d OK \[APPENDUID /)
})

test('a command line past its limit is answered once its end has come', async () => {
  const host = await signedIn()
  let said = await host.say('b NOOP ')
  for (let i = 0; i < 20; i++) said += await host.say('x'.repeat(lineMaxBytes / 10))
  assert.equal(said, '')
  assert.match(await host.say('\r\nc NOOP\r\n'), /^b BAD Command line is too long\r\nc OK/)
})

test('before a login an ID may be as long as its RFC has it, and a command no longer than that', async () => {
  const field = (n: number, name = 30, value = 1024): string =>
    `"${String(n).padStart(name, 'n')}" "${'v'.repeat(value)}"`
  const fields = (count: number): string[] => Array.from({ length: count }, (_, n) => field(n))
  const host = new Host()
  await host.say('')
  assert.match(await host.say(`a ID (${fields(30).join(' ')})\r\n`), /^\* ID \([^]*a OK/)
  for (const wrong of [
    [...fields(29), field(29, 31)],
    [...fields(29), field(29, 30, 1025)],
    [...fields(30), '"x" "y"'],
  ])
    assert.match(await host.say(`b ID (${wrong.join(' ')})\r\n`), /^b BAD /)
  assert.match(
    await host.say(`c NOOP ${'x'.repeat(lineBeforeLoginMaxBytes)}\r\n`),
    /^c BAD Command line is too long\r\n/,
  )
})

test('stopping and silence are told, and end the session', async () => {
  const host = await signedIn()
  host.session.shutdown()
  assert.match(await host.say(''), /^\* BYE Server is shutting down\r\n<closed>$/)
  assert.match(Buffer.from((await signedIn()).session.timedOut()).toString(), /^\* BYE Autologout/)
})

test('complete commands of a client that has stopped sending are answered', async () => {
  const host = new Host()
  await host.say('')
  host.session.receive(Buffer.from('a NOOP\r\nb NO'))
  host.session.ended()
  assert.equal(await host.say(''), 'a OK NOOP completed\r\n<closed>')
})

test('only an idle session is woken by changes', async () => {
  const [reader, writer] = [await signedIn(), await signedIn()]
  await reader.say('b SELECT Drafts\r\n')
  await writer.say('b APPEND Drafts {3+}\r\nx:y\r\n')
  await new Promise(setImmediate)
  assert.equal(reader.woken, 0)
  assert.match(await reader.say('c IDLE\r\n'), /\+ idling\r\n\* 1 EXISTS/)
  await writer.say('b APPEND Drafts {3+}\r\nx:y\r\n')
  await new Promise(setImmediate)
  assert.equal(reader.woken, 1)
  assert.match(await reader.say(''), /^\* 2 EXISTS\r\n/)
})

test('NUL in a message becomes 0x80 in a literal, whose size stays', async () => {
  const host = await signedIn()
  await host.say('b APPEND Junk {8+}\r\na\0: b\0\r\n\r\nc SELECT Junk\r\n')
  assert.match(await host.say('d FETCH 1 BODY[]\r\n'), /BODY\[\] \{8\}\r\na\x80: b\x80\r\n/)
})

test('a session offers what is in the table that it was handed, and does no more', async () => {
  const options = { backend: memory, authenticator: memory, mechanisms: [], startTls: false, plaintextAuth: true }
  const session = new ImapSession({ ...options, serverName: 'T' }, commandTable([capability, enable, login]))
  session.start(new Host())
  const greeting = session.next()
  assert.ok(greeting.kind === 'write')
  assert.match(Buffer.from(greeting.bytes).toString(), / ENABLE /)
  assert.doesNotMatch(Buffer.from(greeting.bytes).toString(), / (?:IDLE|MOVE|ID) /)
  session.receive(Buffer.from('a NOOP\r\n'))
  const answer = session.next()
  assert.ok(answer.kind === 'write')
  assert.match(Buffer.from(answer.bytes).toString(), /^a BAD Expected a known command/)
})

test('FETCH waits for nothing where the tables, or one small message at hand, have it all', async () => {
  const host = new Host()
  await host.say('a LOGIN u p\r\nb CREATE Short\r\nc APPEND Short (\\Seen) {10+}\r\nA: b\r\n\r\nhi\r\n')
  await host.say('d APPEND Short {10+}\r\nA: b\r\n\r\nho\r\nd SELECT Short\r\n')
  host.actions = []
  assert.equal(
    await host.say('e FETCH 1:* FLAGS\r\n'),
    '* 1 FETCH (FLAGS (\\Seen \\Recent))\r\n* 2 FETCH (FLAGS (\\Recent))\r\ne OK FETCH completed\r\n',
  )
  const one = 'FETCH (UID 1 BODY[] {10}\r\nA: b\r\n\r\nhi)\r\n'
  assert.equal(await host.say('f FETCH 1 (UID BODY[])\r\n'), `* 1 ${one}f OK FETCH completed\r\n`)
  assert.equal(await host.say('g UID FETCH 1 BODY.PEEK[]\r\n'), `* 1 ${one}g OK UID FETCH completed\r\n`)
  assert.deepEqual([...new Set(host.actions)], ['write', 'wait'])
  // What must be marked, or looked into, is waited for.
  const seen = '* 2 FETCH (BODY[] {10}\r\nA: b\r\n\r\nho FLAGS (\\Seen \\Recent))\r\n'
  assert.equal(await host.say('h FETCH 2 BODY[]\r\n'), `${seen}h OK FETCH completed\r\n`)
  const header = '* 2 FETCH (BODY[] {10}\r\nA: b\r\n\r\nho BODY[HEADER] {8}\r\nA: b\r\n\r\n)\r\n'
  assert.equal(await host.say('i FETCH 2 (BODY[] BODY[HEADER])\r\n'), `${header}i OK FETCH completed\r\n`)
  assert.ok(host.actions.includes('run'))
})
