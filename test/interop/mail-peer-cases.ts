/** The cases that every mail server is put through with us, both ways. What one of them cannot do is named, with the reason. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { OutgoingEnvelope } from '../../src/protocol/smtp/client.ts'
import { refusals, alice, fay, pat, PeerWorld } from './mail-peer-world.ts'
import type { Ability, MailPeer } from './mail-peer.ts'
import { read } from './programs.ts'

/** Until a mail arrives or is told of: a peer tries again within some seconds. */
const limitMs = 25_000

async function until<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  log: () => string,
): Promise<T> {
  const endMs = Date.now() + limitMs
  for (;;) {
    const found = await ask()
    if (found !== undefined) return found
    assert.ok(Date.now() < endMs, `${what} did not come\n${log()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

type Compose = (subject: string, body: string, more?: string) => Buffer

const fromPat: Compose = (subject, body, more) => message('Pat <pat@peer.example>', subject, body, more)
/** Her account may send as herself alone. */
const fromAlice: Compose = (subject, body, more) => message('Alice <alice@us.example>', subject, body, more)

function message(from: string, subject: string, body: string, more = ''): Buffer {
  const head = [
    'Date: Mon, 1 Jan 2024 10:00:00 +0000',
    `From: ${from}`,
    'To: Somebody <somebody@else.example>',
    `Message-ID: <${subject.replace(/[^a-z0-9]/gi, '.')}@peer.example>`,
    `Subject: ${subject}`,
  ].join('\r\n')
  return Buffer.from(`${head}\r\n${more}\r\n${body}`)
}

const text8 = 'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n'
const attachment = Buffer.alloc(768 * 1024, 'bytes of an attachment ')
  .toString('base64')
  .replace(/.{76}/g, '$&\r\n')

interface Letter {
  readonly name: string
  readonly bytes: Buffer
  readonly body: OutgoingEnvelope['body']
}

/** Bodies that have been mistaken for the end, cut, padded or lost. */
function letters(compose: Compose): readonly Letter[] {
  const bodies: Readonly<Record<string, string>> = {
    plain: 'hello\r\n',
    dots: '.\r\n..\r\n.leading\r\n...\r\nend.\r\n.\r\n',
    'long lines': `${'x'.repeat(998)}\r\n.${'y'.repeat(997)}\r\n`,
    'empty body': '',
    spaces: '\t \r\n \r\n\r\nFrom here on\r\n>From there\r\n\r\n\r\n',
    'a megabyte': `${attachment}\r\n`,
  }
  return [
    ...Object.entries(bodies).map(([name, body]) => ({ name, bytes: compose(name, body), body: '7bit' as const })),
    { name: '8 bits', bytes: compose('8 bits', 'Grüße, 你好, привет\r\n', text8), body: '8bitmime' },
  ]
}

/** `endsWith`: what is before it are trace fields. */
function carries(mail: Buffer, bytes: Buffer): boolean {
  return mail.subarray(-bytes.length).equals(bytes)
}

const subjectOf = (bytes: Buffer): string => /^Subject: (.*)\r$/m.exec(String(bytes))![1]!

export function testMailPeer(peer: MailPeer): void {
  const { skip } = peer
  let world: PeerWorld
  before(async () => {
    if (!skip) world = await PeerWorld.open(peer)
  })
  after(() => world?.close())

  const log = (): string => world.peer.log()
  const ourQueue = () => world.real.system.store.read.queue(0, 100)
  const logs = (): string => {
    const rows = ourQueue().map(({ address, attempts, lastReply }) => `${address}: ${attempts}, ${lastReply}`)
    return `${log().slice(-6000)}\nwith us wait ${rows.join('\n')}`
  }
  /** In alice's mailbox, by what it contains. */
  const ours = (what: string | RegExp, user = alice): Promise<Buffer> =>
    until(
      `${what} for ${user}`,
      async () => {
        const mails = await read(world.real, user)
        const found = mails.find((mail) =>
          typeof what === 'string' ? mail.includes(`\r\nSubject: ${what}\r\n`) : what.test(mail),
        )
        return found === undefined ? undefined : Buffer.from(found, 'latin1')
      },
      logs,
    )
  const theirs = (what: string | RegExp, user = 'pat'): Promise<Buffer> =>
    until(
      `${what} for ${user}`,
      () =>
        world.peer.inbox(user).find((mail) => {
          const text = mail.toString('latin1')
          return typeof what === 'string' ? text.includes(`\r\nSubject: ${what}\r\n`) : what.test(text)
        }),
      logs,
    )
  /** What is said of a recipient that waits with us. */
  const waits = (recipient: string, words: RegExp): Promise<true> =>
    until(
      `waiting for ${recipient}: ${words}`,
      () => {
        const row = ourQueue().find(({ address }) => address === recipient)
        return row && row.attempts > 0 && words.test(row.lastReply ?? '') ? true : undefined
      },
      logs,
    )
  const unless = (ability: Ability): string | false => {
    const reason = peer.cannot[ability]
    return skip || (reason === undefined ? false : `${peer.name}: ${reason}`)
  }

  test(`${peer.name} sends to us by STARTTLS: every byte arrives`, { skip }, async () => {
    const sent = letters(fromPat)
    for (const { bytes, body } of sent) await world.throughPeer(bytes, { body })
    for (const { name, bytes } of sent) {
      const mail = await ours(subjectOf(bytes))
      assert.ok(carries(mail, bytes), `${name}: ${mail.subarray(0, 3000)}`)
      assert.match(String(mail), /^Received: from mx\.peer\.example [^]*?\bby mx\.us\.example with ESMTPS\b/m)
    }
  })

  test(`${peer.name} sends to us by BDAT`, { skip: unless('sends BDAT') }, async () => {
    await world.throughPeer(fromPat('in chunks', 'hello\r\n'))
    await ours('in chunks')
    // Its word for it.
    assert.match(log(), /=> alice@us\.example [^\n]* K /)
  })

  test(`${peer.name} sends to us without STARTTLS, where we offer none`, { skip }, async () => {
    const bytes = fromPat('in clear', 'hello\r\n')
    await world.throughPeer(bytes, { recipients: ['alice@clear.us.example'] })
    const mail = await ours('in clear')
    assert.ok(carries(mail, bytes))
    assert.match(String(mail), /\bby mx\.us\.example with ESMTP\b/)
  })

  test(`${peer.name} sends to us with SMTPUTF8`, { skip: unless('sends SMTPUTF8') }, async () => {
    const bytes = fromPat('Grüße', 'hello\r\n')
    const envelope = { reversePath: 'jörg@peer.example', recipients: ['jörg@us.example'], smtpUtf8: true } as const
    await world.throughPeer(bytes, { ...envelope, body: '8bitmime' })
    const mail = await ours(Buffer.from('Grüße').toString('latin1'), 'jörg@us.example')
    assert.ok(carries(mail, bytes))
    assert.match(String(mail), /^Return-Path: <jörg@peer\.example>/m)
    assert.match(String(mail), /\bby mx\.us\.example with UTF8SMTPS\b/)
  })

  test(`${peer.name} passes on what the sender wishes to be told, and gets our report`, { skip }, async () => {
    await world.throughPeer(fromPat('tell me', 'hello\r\n'), {
      dsn: [{ notify: ['success'], originalRecipient: 'rfc822;alice@us.example' }],
      ret: 'hdrs',
      envelopeId: 'letter+1',
    })
    const report = String(await theirs(/Original-Envelope-Id: letter\+1/i))
    assert.match(report, /^Reporting-MTA: dns; mx\.us\.example/im)
    assert.match(report, /^Original-Recipient: rfc822; ?alice@us\.example/im)
    assert.match(report, /^Action: delivered/im)
  })

  test(`what we refuse by 5xx ${peer.name} returns with our words: recipient, size, message`, { skip }, async () => {
    await world.throughPeer(fromPat('nobody', 'hello\r\n'), { recipients: ['nobody@us.example'] })
    await world.throughPeer(fromPat('send money', 'hello\r\n'))
    await world.throughPeer(fromPat('too large', `${attachment.repeat(5)}\r\n`))
    await theirs(/nobody@us\.example[^]*5\.1\.1/)
    await theirs(/we have no money/)
    await theirs(/too large/)
  })

  test(`what we put off by 4xx comes again from ${peer.name}`, { skip }, async () => {
    const bytes = fromPat('for a full mailbox', 'hello\r\n')
    await world.throughPeer(bytes, { recipients: [fay] })
    await until('4xx', () => (/4\.2\.2/.test(log()) ? true : undefined), logs)
    await world.real.system.store.commit([{ kind: 'accountSet', name: fay, quotaBytes: 0 }])
    world.peer.retry()
    assert.ok(carries(await ours('for a full mailbox', fay), bytes))
  })

  test(`${peer.name} passes a dead host of ours by`, { skip }, async () => {
    await world.throughPeer(fromPat('second host', 'hello\r\n'), { recipients: ['alice@backup.us.example'] })
    await ours('second host')
  })

  test(
    `${peer.name} returns what is for a domain of ours with a null MX`,
    { skip: unless('knows null MX') },
    async () => {
      await world.throughPeer(fromPat('no host', 'hello\r\n'), { recipients: ['alice@nothing.us.example'] })
      await theirs(/alice@nothing\.us\.example/)
    },
  )

  test(
    `${peer.name} finds our key by DANE, and sends nothing where it is another`,
    { skip: unless('checks DANE') },
    async () => {
      const dane = fromPat('by DANE', 'hello\r\n')
      await world.throughPeer(dane)
      assert.ok(carries(await ours('by DANE'), dane))
      await world.throughPeer(fromPat('another key', 'hello\r\n'), { recipients: ['alice@wrong.us.example'] })
      await until(
        'its complaint',
        () => (/mx2\.us\.example[^\n]*(not trusted|not verified|DANE|verif)/i.test(log()) ? true : undefined),
        logs,
      )
      assert.equal((await read(world.real, alice)).filter((mail) => mail.includes('Subject: another key')).length, 0)
    },
  )

  const bySecure =
    peer.cannot['takes STARTTLS'] === undefined ? 'by STARTTLS and DANE' : 'in clear, where its STARTTLS breaks'

  test(`we send to ${peer.name} ${bySecure}: every byte arrives`, { skip }, async () => {
    const sent = letters(fromAlice)
    for (const { bytes, body } of sent) await world.throughUs(bytes, { body })
    for (const { name, bytes } of sent) {
      const mail = await theirs(subjectOf(bytes))
      assert.ok(carries(mail, bytes), `${name}: ${mail.subarray(0, 3000)}`)
      if (peer.cannot['takes STARTTLS'] === undefined)
        assert.match(String(mail), /^Received: from [^;]*mx\.us\.example[^;]*(TLS|ESMTPS)/im)
    }
  })

  test(`we send to ${peer.name} by BDAT`, { skip: unless('takes BDAT') }, async () => {
    await world.throughUs(fromAlice('chunks for you', 'hello\r\n'))
    await theirs('chunks for you')
    await until('its note of BDAT', () => (/ bdat=\d| K /.test(log()) ? true : undefined), logs)
  })

  test(`we send to ${peer.name} without STARTTLS, where it offers none`, { skip }, async () => {
    const bytes = fromAlice('clear for you', 'hello\r\n')
    await world.throughUs(bytes, { recipients: ['pat@clear.peer.example'] })
    const mail = await theirs('clear for you')
    assert.ok(carries(mail, bytes))
    assert.doesNotMatch(String(mail).split('by mx.us.example')[0]!, /TLS|ESMTPS/)
  })

  test(`we send to ${peer.name} with SMTPUTF8, or tell our user that it does not know it`, { skip }, async () => {
    const bytes = fromAlice('Grüße an dich', 'hello\r\n')
    await world.throughUs(bytes, { recipients: ['jörg@peer.example'], smtpUtf8: true, body: '8bitmime' })
    if (peer.cannot['takes SMTPUTF8'] === undefined) {
      const mail = await theirs(Buffer.from('Grüße an dich').toString('latin1'), 'jörg')
      assert.ok(carries(mail, bytes))
    } else assert.match(String(await ours(/5\.6\.7/)), /SMTPUTF8/)
  })

  test(`what our user wishes to be told is passed to ${peer.name}, and its report is filed`, { skip }, async () => {
    await world.throughUs(fromAlice('do tell', 'hello\r\n'), {
      dsn: [{ notify: ['success'], originalRecipient: 'rfc822;pat@peer.example' }],
      // Nothing that xtext would spell otherwise: Exim tells it as it came.
      envelopeId: 'letter-2',
    })
    const report = String(await ours(/^Action: delivered[^]*^Subject: do tell\r$/im))
    if (peer.cannot['tells ENVID'] === undefined) assert.match(report, /^Original-Envelope-Id: letter-2\r$/im)
    assert.match(report, /^Reporting-MTA: dns; ?mx\.peer\.example/im)
    assert.match(report, /^Final-Recipient: rfc822; ?pat@peer\.example/im)
  })

  // A greeting of 5xx is that host's own trouble: others of the domain may be well. RFC 5321 §3.1.
  const isGreeting = (stage: string): boolean => stage === 'connect' || stage === 'hello'

  test(`what ${peer.name} refuses by 5xx our user hears in its words, at every stage`, { skip }, async () => {
    const hard = refusals.filter(({ code }) => code === 5)
    for (const { domain, stage } of hard)
      await world.throughUs(fromAlice(`hard ${stage}`, 'hello\r\n'), { recipients: [`pat@${domain}`] })
    for (const { domain, stage, words } of hard) {
      if (isGreeting(stage)) await waits(`pat@${domain}`, new RegExp(words))
      else assert.match(String(await ours(new RegExp(`pat@${domain}[^]*${words}`))), /^Action: failed/im)
    }
    await world.throughUs(fromAlice('to nobody', 'hello\r\n'), { recipients: ['nobody@peer.example'] })
    assert.match(
      String(await ours(/^Final-Recipient: rfc822; ?nobody@peer\.example/im)),
      /^Diagnostic-Code: smtp; ?5\d\d /im,
    )
  })

  test(`we pass a dead host of ${peer.name} by, and return what nobody takes`, { skip }, async () => {
    await world.throughUs(fromAlice('your second host', 'hello\r\n'), { recipients: ['pat@backup.peer.example'] })
    await world.throughUs(fromAlice('nobody takes mail', 'hello\r\n'), { recipients: ['pat@nothing.peer.example'] })
    await theirs('your second host')
    assert.match(String(await ours(/pat@nothing\.peer\.example/)), /5\.1\.10/)
  })

  test(`DANE and MTA-STS between us and ${peer.name}: what does not fit waits`, { skip }, async () => {
    await world.throughUs(fromAlice('wrong key', 'hello\r\n'), { recipients: ['pat@wrong.peer.example'] })
    await world.throughUs(fromAlice('by policy', 'hello\r\n'), { recipients: ['pat@policy.example'] })
    await world.throughUs(fromAlice('misfit', 'hello\r\n'), { recipients: ['pat@misfit.example'] })
    const broken = peer.cannot['takes STARTTLS'] !== undefined
    await waits('pat@wrong.peer.example', broken ? /the TLS handshake failed/ : /mx2\.peer\.example .*DANE/)
    await waits('pat@misfit.example', /MTA-STS/)
    if (broken) await waits('pat@policy.example', /the TLS handshake failed/)
    else await theirs('by policy')
    const there = world.peer.inbox('pat').map(subjectOf)
    assert.deepEqual(
      there.filter((subject) => subject === 'wrong key' || subject === 'misfit'),
      [],
    )
  })

  test(`what ${peer.name} puts off by 4xx, at every stage, goes once it relents`, { skip }, async () => {
    const soft = refusals.filter(({ code }) => code === 4)
    for (const { domain, stage } of soft)
      await world.throughUs(fromAlice(`soft ${stage}`, 'hello\r\n'), { recipients: [`pat@${domain}`] })
    for (const { domain, words } of soft) await waits(`pat@${domain}`, new RegExp(words))
    await world.peerRelents()
    for (const { stage } of soft) await theirs(`soft ${stage}`)
    const subjects = world.peer
      .inbox('pat')
      .map(subjectOf)
      .filter((subject) => subject.startsWith('soft '))
    assert.equal(subjects.length, soft.length)
  })
}
