import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Session, SessionHost } from '../action.ts'
import type { TlsFacts } from '../../base/network.ts'
import type { ContentSink } from '../../mail/content.ts'
import { SimulatedClock } from '../../platform/simulated/clock.ts'
import { parseIpNetwork } from '../../base/ip-network.ts'
import { Refusal, status } from '../../mail/status.ts'
import { commandTable, type CommandTable } from '../command.ts'
import type { SmtpClientFacts, SmtpReceiver } from './backend.ts'
import type { SmtpCommand } from './command.ts'
import { ehlo } from './commands/hello.ts'
import { help } from './commands/help.ts'
import { noop } from './commands/noop.ts'
import { bodyTimeMaxMs } from './limits.ts'
import type { SmtpServerOptions } from './options.ts'
import { smtpDefaults, type SmtpPolicy } from './policy.ts'
import { SmtpServerSession } from './session.ts'

/** What a driver does, one action after another; a fault is handed to `failed()`. */
class Host implements SessionHost {
  readonly peer = { address: '192.0.2.1', port: 1, localAddress: '192.0.2.2', localPort: 25 }
  tls: TlsFacts | null = null
  readonly session: Session
  faults = 0
  closed = false

  constructor(
    receiver: SmtpReceiver,
    clock?: SimulatedClock,
    policy?: SmtpPolicy,
    commands?: CommandTable<SmtpCommand>,
    more: Partial<SmtpServerOptions> = {},
  ) {
    const options: SmtpServerOptions = {
      service: 'smtp',
      hostname: 'mx.example',
      mechanisms: [],
      startTls: false,
      plaintextAuth: false,
      messageBytesMax: 1_000_000,
      connectionId: '1',
      receiver,
      clock,
      policy,
      ...more,
    }
    this.session = new SmtpServerSession(options, commands)
    this.session.start(this)
  }

  wake(): void {}

  async say(text: string): Promise<string> {
    if (text !== '' && !this.closed) this.session.receive(Buffer.from(text))
    let said = ''
    const hear = (bytes: Uint8Array | undefined): void => void (said += Buffer.from(bytes ?? []).toString())
    while (!this.closed) {
      try {
        const action = this.session.next()
        if (action.kind === 'wait') break
        if (action.kind === 'write' || action.kind === 'close') hear(action.bytes)
        if (action.kind === 'close') this.closed = true
        if (action.kind === 'startTls') {
          hear(action.reply)
          this.tls = { version: 'TLSv1.3', cipher: 'x' } as TlsFacts
          action.done(this.tls)
        }
        if (action.kind === 'run' && 'then' in action.work) hear(await action.work)
      } catch (error) {
        this.faults++
        hear(this.session.failed(error))
      }
    }
    return said
  }
}

interface Taken {
  readonly from: string[]
  finished: number
}

function receiver(taken: Taken, sink: Partial<ContentSink<unknown>> = {}): SmtpReceiver {
  return {
    verifyPassword: async () => null,
    async mail(_, reversePath) {
      taken.from.push(reversePath?.localPart ?? '')
      return {
        async recipient() {},
        data: () => ({ write: () => true, drained: async () => {}, finish: async () => {}, abort() {}, ...sink }),
        async finish() {
          taken.finished++
          return [{ code: 250, enhanced: '2.0.0', text: 'taken' }]
        },
        abort() {},
      }
    },
  }
}

const smuggled = 'MAIL FROM:<evil@x.example>\r\nRCPT TO:<b@x.example>\r\n.\r\nMAIL FROM:<evil@x.example>\r\n'

test('a fault of ours in the middle of a body: 421, the connection ends, and no line of the message is obeyed', async () => {
  const fails = (): never => {
    throw new Error('a fault of ours')
  }
  for (const begin of ['DATA\r\n', 'BDAT 500 LAST\r\n']) {
    const taken = { from: [], finished: 0 }
    // A sink whose writing fails is answered at the true end; one that cannot even be given up is a fault.
    const host = new Host(receiver(taken, { write: fails, abort: fails }))
    await host.say('')
    await host.say('EHLO a\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\n')
    const said = await host.say(`${begin}Subject: x\r\n\r\n${smuggled}`)
    assert.equal(host.faults, 1)
    assert.match(said, /^(?:354 [^\r]*\r\n)?421 4\.3\.2 [^\r]*\r\n$/)
    assert.equal(host.closed, true)
    assert.equal(await host.say(smuggled), '')
    assert.deepEqual(taken, { from: ['a'], finished: 0 })
  }
})

test('a fault of ours in a command is 451, and the session goes on', async () => {
  const taken: Taken = { from: [], finished: 0 }
  let broken = true
  const good = receiver(taken)
  const host = new Host({
    ...good,
    mail(...given) {
      if (broken) throw new Error('a fault of ours')
      return good.mail(...given)
    },
  })
  await host.say('')
  await host.say('EHLO a\r\n')
  assert.match(await host.say('MAIL FROM:<a@x.example>\r\n'), /^451 /)
  broken = false
  assert.match(await host.say('MAIL FROM:<a@x.example>\r\n'), /^250 /)
})

test('where a message came from, by XFORWARD, is forgotten with a sender that is refused', async () => {
  const origins: unknown[] = []
  const taken: Taken = { from: [], finished: 0 }
  const good = receiver(taken)
  for (const wait of [false, true]) {
    let refuses = true
    const host = new Host(
      {
        ...good,
        mail(client, ...given) {
          origins.push(client.origin?.addr)
          const refused = new Refusal(status.senderNotYours)
          if (refuses && wait) return Promise.reject(refused)
          if (refuses) throw refused
          return good.mail(client, ...given)
        },
      },
      undefined,
      { ...smtpDefaults, xclientFrom: [parseIpNetwork('192.0.2.1/32')!] },
    )
    await host.say('')
    await host.say('EHLO a\r\nXFORWARD ADDR=198.51.100.7\r\n')
    assert.match(await host.say('MAIL FROM:<a@x.example>\r\n'), /^550 /)
    refuses = false
    assert.match(await host.say('MAIL FROM:<a@x.example>\r\n'), /^250 /)
  }
  assert.deepEqual(origins, ['198.51.100.7', undefined, '198.51.100.7', undefined])
})

test('a body that comes byte by byte beyond its limit ends with 421, by DATA and by BDAT', async () => {
  for (const begin of ['DATA\r\n', 'BDAT 500 LAST\r\n']) {
    const clock = new SimulatedClock(0)
    const taken = { from: [], finished: 0 }
    const host = new Host(receiver(taken), clock)
    await host.say('')
    await host.say(`EHLO a\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\n${begin}`)
    await clock.pass(bodyTimeMaxMs)
    assert.equal(await host.say('x'), '')
    await clock.pass(1)
    assert.match(await host.say('x'), /^421 4\.4\.2 /)
    assert.equal(host.closed, true)
    assert.equal(taken.finished, 0)
    // The limit is the message's own: the next one has it whole.
    const next = new Host(receiver(taken), clock)
    await next.say('')
    await next.say(`EHLO a\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\n${begin}`)
    assert.match(await next.say(begin.startsWith('DATA') ? 'x\r\n.\r\n' : 'x'.repeat(500)), /^250 /)
  }
})

test('octets out of order are swallowed to their end, however long the server has run', async () => {
  const clock = new SimulatedClock(0)
  await clock.pass(bodyTimeMaxMs + 1)
  const taken = { from: [], finished: 0 }
  const host = new Host(receiver(taken), clock)
  await host.say('')
  await host.say('EHLO a\r\nMAIL FROM:<a@x.example>\r\n')
  assert.equal(await host.say('BDAT 8\r\nRSET'), '')
  assert.match(await host.say('\r\n\r\nNOOP\r\n'), /^503 5\.5\.1 Say RCPT first\r\n250 /)
  // The transaction is what it was.
  assert.match(
    await host.say('RCPT TO:<b@x.example>\r\nBDAT 3 LAST\r\nx\r\n'),
    /^250 2\.1\.5 .*\r\n250 2\.0\.0 taken\r\n$/,
  )
  assert.equal(taken.finished, 1)
})

test('a session says what is in the table that it was handed, and does no more', async () => {
  const host = new Host(receiver({ from: [], finished: 0 }), undefined, undefined, commandTable([ehlo, help, noop]))
  await host.say('')
  assert.doesNotMatch(await host.say('EHLO a\r\n'), /SIZE|CHUNKING/)
  assert.match(await host.say('HELP\r\n'), /^214-2\.0\.0 Verbs: EHLO HELP NOOP\r\n/)
  assert.match(await host.say('HELP MAIL\r\n'), /^504 /)
  assert.match(await host.say('MAIL FROM:<a@x.example>\r\n'), /^500 5\.5\.1 /)
})

interface Followed {
  readonly calls: string[]
  readonly receiver: SmtpReceiver
}

/** A receiver that follows its connections. */
function follower(
  answer: (moment: 'hello' | 'ready', client?: SmtpClientFacts) => Promise<void> | undefined = () => undefined,
): Followed {
  const calls: string[] = []
  const taken: Taken = { from: [], finished: 0 }
  const inner = receiver(taken)
  let connections = 0
  const connected: SmtpReceiver['connected'] = ({ peer }) => {
    const name = `${++connections}`
    calls.push(`${name} connected ${peer.address}`)
    return {
      hello(client) {
        calls.push(`${name} hello ${client.helo} ${client.withProtocol}`)
        return answer('hello', client)
      },
      async mail(...given) {
        calls.push(`${name} mail`)
        return {
          ...(await inner.mail(...given)),
          ready() {
            calls.push(`${name} ready`)
            return answer('ready')
          },
          async finish() {
            calls.push(`${name} finish`)
            return [{ code: 250, enhanced: '2.0.0', text: 'taken' }]
          },
          abort: () => void calls.push(`${name} abort`),
        }
      },
      closed: () => void calls.push(`${name} closed`),
    }
  }
  return { calls, receiver: { ...inner, connected } }
}

const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('a receiver that takes its time over EHLO and DATA is waited for, and what was pipelined is answered in order', async () => {
  const { calls, receiver } = follower(later)
  const host = new Host(receiver)
  await host.say('')
  const group = 'EHLO a\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n'
  const said = await host.say(group)
  assert.deepEqual(
    said.match(/^\d{3} /gm)?.map((code) => code.trim()),
    ['250', '250', '250', '354'],
  )
  assert.match(await host.say('Subject: x\r\n\r\nx\r\n.\r\n'), /^250 2\.0\.0 taken\r\n$/)
  host.session.closed()
  assert.deepEqual(calls, ['1 connected 192.0.2.1', '1 hello a ESMTP', '1 mail', '1 ready', '1 finish', '1 closed'])
})

test('a refused EHLO leaves everything as it was, at once or later', async () => {
  for (const wait of [false, true]) {
    let refuses = false
    const { receiver } = follower((moment) => {
      if (moment !== 'hello' || !refuses) return undefined
      const refused = new Refusal({ code: 550, enhanced: '5.7.1', text: 'Not you' })
      if (wait) return Promise.reject(refused)
      throw refused
    })
    const host = new Host(receiver)
    await host.say('')
    refuses = true
    assert.equal(await host.say('EHLO evil\r\n'), '550 5.7.1 Not you\r\n')
    assert.match(await host.say('MAIL FROM:<a@x.example>\r\n'), /^503 /)
    refuses = false
    await host.say('EHLO a\r\nMAIL FROM:<a@x.example>\r\n')
    refuses = true
    assert.match(await host.say('HELO evil\r\n'), /^550 /)
    assert.match(await host.say('RCPT TO:<b@x.example>\r\n'), /^250 /)
    assert.equal((host.session as SmtpServerSession).facts.helo, 'a')
    assert.equal((host.session as SmtpServerSession).facts.withProtocol, 'ESMTP')
  }
})

test('a receiver that will not have the data: no 354, and octets of BDAT are swallowed to their end', async () => {
  for (const wait of [false, true]) {
    const { calls, receiver } = follower((moment) => {
      if (moment === 'hello') return undefined
      const refused = new Refusal({ code: 451, enhanced: '4.7.1', text: 'Not now' })
      if (wait) return later().then(() => Promise.reject(refused))
      throw refused
    })
    const host = new Host(receiver)
    await host.say('')
    const envelope = 'MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\n'
    await host.say(`EHLO a\r\n${envelope}`)
    assert.equal(await host.say('DATA\r\n'), '451 4.7.1 Not now\r\n')
    assert.match(await host.say('RSET\r\n'), /^250 /)
    const group = `${envelope}BDAT ${smuggled.length} LAST\r\n${smuggled}NOOP\r\n`
    assert.deepEqual((await host.say(group)).match(/^\d{3}/gm), ['250', '250', '451', '250'])
    assert.equal(host.faults, 0)
    assert.deepEqual(
      calls.filter((call) => call.endsWith('mail') || call.endsWith('finish')),
      ['1 mail', '1 mail'],
    )
  }
})

test('after STARTTLS the receiver is greeted again, and by XCLIENT its connection is another one', async () => {
  const { calls, receiver } = follower()
  const policy = { ...smtpDefaults, xclientFrom: [parseIpNetwork('192.0.2.1/32')!] }
  const host = new Host(receiver, undefined, policy, undefined, { startTls: true })
  await host.say('')
  await host.say('EHLO a\r\nSTARTTLS\r\n')
  await host.say('EHLO b\r\nXCLIENT ADDR=198.51.100.7\r\n')
  await host.say('EHLO c\r\nMAIL FROM:<a@x.example>\r\n')
  host.session.closed()
  assert.deepEqual(calls, [
    '1 connected 192.0.2.1',
    '1 hello a ESMTP',
    '1 hello b ESMTPS',
    '1 closed',
    '2 connected 198.51.100.7',
    '2 hello c ESMTPS',
    '2 mail',
    '2 abort',
    '2 closed',
  ])
})
