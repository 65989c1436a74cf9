/** Text that comes without a header, without the blank line behind it, or out of an mbox: it is body, for every reader, and reaches every next host so. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { authenticityDefaults } from '../../src/checks/authenticity.ts'
import { dkimRecords, makeDkimKeys, SigningKeys } from '../../src/delivery/signing.ts'
import { contentInlineMaxBytes } from '../../src/store/contents/sink.ts'
import { DkimSigner } from '../../src/trust/dkim/sign.ts'
import { Header } from '../../src/mail/header.ts'
import { Peer } from './peer.ts'
import { startReal } from './real.ts'
import { bytesOfText, messagesIn, password, World, type NextHop } from './world.ts'

const home: NextHop = {
  hostname: 'mx.a.example',
  address: '10.0.0.1',
  domains: ['a.example'],
  mailboxes: ['carol@a.example'],
  users: ['alice@a.example'],
}

/** What is sent; what the header must not hold, and what the body is. */
const texts: readonly (readonly [given: string, header: RegExp | undefined, body: string])[] = [
  ['disk is full\nsecond: line\n\nlast\n', undefined, 'disk is full\nsecond: line\n\nlast\n'],
  ['Subject: x\ndisk is full\nsecond: line\n\nlast\n', /\r\nSubject: x\r\n$/, 'disk is full\nsecond: line\n\nlast\n'],
  ['Subject: x\n folded\nlast', /\r\nSubject: x\r\n folded\r\n$/, 'last\n'],
  [
    'From ann Mon Jan  1 00:00:00 2026\nSubject: x\n\nhi\n',
    /\r\nX-Mailbox-Line: From ann Mon [^\r]*\r\nSubject: x\r\n$/,
    'hi\n',
  ],
  ['\tFrom: x@evil.example\nSubject: x\n\nhi\n', undefined, '\tFrom: x@evil.example\nSubject: x\n\nhi\n'],
  ['Subject: x\n\nFrom ann\nno: header\n', /\r\nSubject: x\r\n$/, 'From ann\nno: header\n'],
]

function partsOf(message: string): [header: string, body: string] {
  const end = message.indexOf('\r\n\r\n') + 2
  return [message.slice(0, end), message.slice(end + 2).replaceAll('\r\n', '\n')]
}

test('by SMTP, LMTP and submission, text without a header or its blank line is body', async () => {
  for (const port of [25, 24, 587]) {
    const world = new World()
    const a = await world.start(home)
    for (const [at, [text, wantedHeader, wantedBody]] of texts.entries()) {
      const client = await world.connect(a, port, undefined, port === 24)
      if (port === 587) {
        await world.clock.until(client.startTls({ serverName: 'mx.a.example', verify: 'none' }))
        await world.clock.outside(client.authenticate('alice@a.example', password))
      }
      const envelope = {
        reversePath: 'alice@a.example',
        recipients: ['carol@a.example'],
        body: '7bit' as const,
        smtpUtf8: false,
      }
      const sent = await world.clock.until(client.send(envelope, bytesOfText(text.endsWith('\n') ? text : `${text}\n`)))
      await world.clock.until(client.quit())
      assert.equal(sent.recipients[0]!.code, 250, `${port}: ${text}`)
      const [header, body] = partsOf((await messagesIn(a, 'carol@a.example'))[at]!)
      assert.equal(body, wantedBody)
      assert.doesNotMatch(header, /disk|second|evil|^From ann|^\t|\r\nFrom ann/)
      if (wantedHeader) assert.match(header, wantedHeader)
      // The author of a submission is put for a header that has none, and stands there.
      if (port === 587) assert.match(header, /\r\nFrom: alice@a\.example\r\n/)
    }
    await world.stop()
  }
})

test('IMAP shows it as text', async () => {
  const world = new World()
  const a = await world.start({ ...home, mailboxes: [], users: ['alice@a.example'] })
  assert.deepEqual(await world.send(a, 'x@b.example', ['alice@a.example'], 'disk is full\nlast\n'), [250])
  const client = await world.imap(a, 'alice@a.example', 'INBOX')
  const { data } = await world.clock.until(client.command('FETCH 1 BODY.PEEK[TEXT]'))
  const [, text] = data[0]!.values[0] as readonly [string, Uint8Array]
  assert.equal(Buffer.from(text).toString(), 'disk is full\r\nlast\r\n')
  await world.stop()
})

test('a message too large for memory is mended too, wherever the slices are cut', async () => {
  const world = new World()
  const a = await world.start(home)
  const rest = `${'text of a large message\n'.repeat(Math.ceil(contentInlineMaxBytes / 24) + 1)}`
  const around = 64 * 1024
  for (const cut of [around - 2, around - 1, around, around + 1]) {
    const header = `Subject: x\nX-Long: ${`${'y'.repeat(60)}\n `.repeat(1500)}`.slice(0, cut - 3).replace(/[\n ]+$/, '')
    const given = `${header}\ndisk is full\n${rest}`
    assert.deepEqual(await world.send(a, 'x@b.example', ['carol@a.example'], given), [250])
    const [, body] = partsOf((await messagesIn(a, 'carol@a.example')).at(-1)!)
    assert.ok(body === `disk is full\n${rest}`, `cut at ${cut}: ${body.slice(0, 80)}`)
  }
  await world.stop()
})

test('a text without any header may be longer than a header; a header that is too long is refused as before', async () => {
  const world = new World()
  const a = await world.start(home)
  const text = `${'a line of a log\n'.repeat(100_000)}`
  assert.deepEqual(await world.send(a, 'x@b.example', ['carol@a.example'], text), [250])
  const [, body] = partsOf((await messagesIn(a, 'carol@a.example'))[0]!)
  assert.ok(body === text)
  const long = `${`X: ${'y'.repeat(990)}\n`.repeat(1100)}no field\n\nx\n`
  assert.deepEqual(await world.send(a, 'x@b.example', ['carol@a.example'], long), [552])
  await world.stop()
})

test('a line that is no field, put amid a signed header, is not shown under the signature', async () => {
  const world = new World()
  const a = await world.start({ ...home, config: { authenticity: authenticityDefaults } })
  await makeDkimKeys(a.store, 'b.example', world.clock.now())
  for (const { name, value } of await dkimRecords(a.store.read, 'b.example'))
    world.zone.names.set(name, { txt: [value] })
  const header =
    'From: bob@b.example\r\nTo: carol@a.example\r\nSubject: hello\r\nDate: Mon, 15 Jan 2024 12:00:00 +0000\r\n'
  const signer = new DkimSigner(new Header(header), await new SigningKeys(a.store.read).of('b.example'), {
    nowMs: world.clock.now(),
  })
  signer.write(Buffer.from('Hello\r\n'))
  const signature = await world.clock.outside(signer.end())
  const results = async (text: string): Promise<string> => {
    const client = await world.connect(a)
    const envelope = {
      reversePath: 'bob@b.example',
      recipients: ['carol@a.example'],
      body: '7bit' as const,
      smtpUtf8: false,
    }
    await world.clock.outside(client.send(envelope, bytesOfText(text)))
    const message = (await messagesIn(a, 'carol@a.example')).at(-1)!
    return /dkim=\w+/.exec(message)?.[0] ?? 'none'
  }
  assert.equal(await results(`${signature}${header}\r\nHello\r\n`), 'dkim=pass')
  assert.equal(await results(`From bob Mon Jan 15 12:00:00 2024\r\n${signature}${header}\r\nHello\r\n`), 'dkim=pass')
  const forged = header.replace('Subject', 'Pay to account 12345\r\nSubject')
  assert.equal(await results(`${signature}${forged}\r\nHello\r\n`), 'dkim=fail')
  await world.stop()
})

test('what is converted for a host of 7 bits has its encoding in the header', async () => {
  const world = new World()
  const a = await world.start(home)
  const peer = await Peer.start(world, {
    address: '10.0.0.9',
    hostname: 'mx.seven.example',
    domains: ['seven.example'],
  })
  await a.store.commit([{ kind: 'aliasSet', address: 'out@a.example', targets: ['z@seven.example'] }])
  const client = await world.connect(a)
  const envelope = {
    reversePath: 'x@b.example',
    recipients: ['out@a.example'],
    body: '8bitmime' as const,
    smtpUtf8: false,
  }
  const { recipients } = await world.clock.until(client.send(envelope, bytesOfText('Subject: x\nhällo\n')))
  assert.equal(recipients[0]!.code, 250)
  await world.clock.pass(5_000)
  const [header, body] = partsOf(peer.taken[0]!.data)
  assert.match(header, /\r\nContent-Transfer-Encoding: /)
  assert.doesNotMatch(body, /Content-Transfer-Encoding/)
  await world.stop()
})

test('the trace tells how the bytes were changed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-'))
  const real = await startReal({ data: folder, users: ['alice@a.example'] })
  try {
    const smtp = await real.smtp('lmtp')
    const envelope = {
      reversePath: 'x@y.example',
      recipients: ['alice@a.example'],
      body: '7bit' as const,
      smtpUtf8: false,
    }
    for (const text of ['From x Mon\nSubject: s\ntext\n', 'Subject: s\n\ntext\n'])
      await smtp.send(envelope, bytesOfText(text))
    await smtp.quit()
  } finally {
    await real.stop()
  }
  const lines = readdirSync(join(folder, 'trace')).flatMap((day) =>
    readFileSync(join(folder, 'trace', day), 'utf8')
      .trimEnd()
      .split('\n'),
  )
  const told = lines.map((line) => JSON.parse(line) as { event: string; changed?: string[] })
  assert.deepEqual(
    told.filter(({ event }) => event === 'arrived').map(({ changed }) => changed),
    [['an mbox line made X-Mailbox-Line', 'a blank line put before the text'], undefined],
  )
  rmSync(folder, { recursive: true })
})
