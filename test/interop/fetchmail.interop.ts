/** fetchmail: POP3 and IMAP, TLS from the start and by STLS or STARTTLS, UIDL; what it passes on arrives byte for byte. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { password, type RealSystem } from '../stories/real.ts'
import { attachment, fill, mails, unixText } from './mails.ts'
import { alice, bob, read, run, withCertified, without } from './programs.ts'

const skip = without('fetchmail')
/** fetchmail(1): "there was no mail awaiting retrieval". */
const noMail = 1
/** fetchmail(1): "a POP3 or IMAP authentication failed"; and "the connection failed", as for a certificate. */
const wrongPassword = 3
const noConnection = 2

interface Poll {
  readonly protocol: 'pop3' | 'imap'
  readonly port: number
  readonly tls: string
  readonly options?: string
  readonly word?: string
}

/** One run by a configuration of its own. @returns its exit status and what its MDA was given so far. */
async function fetchmail(
  folder: string,
  { protocol, port, tls, options = 'keep', word = password }: Poll,
): Promise<{ code: number; said: string; stored: string[] }> {
  const inbox = join(folder, 'fetched')
  mkdirSync(inbox, { recursive: true })
  const config = join(folder, 'fetchmailrc')
  writeFileSync(
    config,
    `set idfile "${folder}/ids"
set pidfile "${folder}/pid"
poll localhost protocol ${protocol} port ${port} ${protocol === 'pop3' ? 'uidl' : ''}
  username "${bob}" password "${word}" ${tls} ${options}
  ${options.includes('smtphost') ? '' : `mda "sh -c 'cat > $(mktemp ${inbox}/XXXXXXXX)'"`}
`,
    { mode: 0o600 },
  )
  const { code, out, err } = await run('fetchmail', ['-f', config, '--nodetach', '--nosyslog'], {
    env: { HOME: folder, FETCHMAILHOME: folder, LC_ALL: 'C' },
  })
  const stored = readdirSync(inbox).map((name) => readFileSync(join(inbox, name), 'latin1'))
  return { code, said: `${out}\n${err}`, stored }
}

/** Without the Received field that it adds on top. */
function original(text: string): string {
  const rest = text.replace(/^(?:Return-Path: .*\n)?Received: .*\n(?:[ \t].*\n)*/, '')
  assert.notEqual(rest, text)
  return rest
}

const ways: readonly (readonly [string, (real: RealSystem, ca: string) => Poll])[] = [
  ['pop3s', (real, ca) => ({ protocol: 'pop3', port: real.port('pop3s'), tls: `ssl sslcertck sslcertfile "${ca}"` })],
  [
    'pop3 with STLS',
    (real, ca) => ({
      protocol: 'pop3',
      port: real.port('pop3'),
      tls: `sslproto "TLS1.2+" sslcertck sslcertfile "${ca}"`,
    }),
  ],
  ['imaps', (real, ca) => ({ protocol: 'imap', port: real.port('imaps'), tls: `ssl sslcertck sslcertfile "${ca}"` })],
  [
    'imap with STARTTLS',
    (real, ca) => ({
      protocol: 'imap',
      port: real.port('imap'),
      tls: `sslproto "TLS1.2+" sslcertck sslcertfile "${ca}"`,
    }),
  ],
]

for (const [name, way] of ways) {
  test(`fetchmail by ${name}: all once, kept, then only what is new, then taken away`, { skip }, async () => {
    await withCertified(async (real, folder, ca) => {
      const poll = way(real, ca)
      await fill(real, bob)
      const first = await fetchmail(folder, poll)
      assert.equal(first.code, 0, first.said)
      assert.deepEqual(first.stored.map(original).sort(), mails.map(unixText).sort())
      // Kept, so the messages are there still; by UIDL or by \Seen it knows them.
      assert.equal((await read(real, bob)).length, mails.length)
      assert.equal((await fetchmail(folder, poll)).code, noMail)
      const late = Buffer.from('Subject: late\r\n\r\nlate\r\n')
      await fill(real, bob, [late])
      const second = await fetchmail(folder, poll)
      assert.equal(second.code, 0, second.said)
      assert.equal(second.stored.length, mails.length + 1)
      assert.ok(second.stored.map(original).includes(unixText(late)))
      const third = await fetchmail(folder, { ...poll, options: 'fetchall nokeep' })
      assert.equal(third.code, 0, third.said)
      assert.equal(third.stored.length, 2 * (mails.length + 1))
      assert.deepEqual(await read(real, bob), [])

      const denied = await fetchmail(folder, { ...poll, word: 'wrong' })
      assert.equal(denied.code, wrongPassword, denied.said)
      const stranger = await fetchmail(folder, { ...poll, tls: poll.tls.replace(/ sslcertfile ".*?"/, '') })
      assert.equal(stranger.code, noConnection, stranger.said)
    })
  })
}

test('fetchmail passes mail on by SMTP to another mailbox', { skip }, async () => {
  await withCertified(async (real, folder, ca) => {
    await fill(real, bob)
    const options = `fetchall nokeep smtphost "localhost/${real.port('smtp')}" smtpname "${alice}"`
    const poll: Poll = { ...ways[0]![1](real, ca), options }
    const { code, said } = await fetchmail(folder, poll)
    assert.equal(code, 0, said)
    assert.deepEqual(await read(real, bob), [])
    const arrived = await read(real, alice)
    assert.equal(arrived.length, mails.length)
    const bytes = mails.map((mail) => mail.toString('latin1'))
    for (const mail of bytes)
      assert.ok(arrived.some((text) => text.endsWith(mail.slice(mail.indexOf('\r\nSubject: ')))))
    const encoded = attachment.toString('base64').slice(0, 76)
    assert.ok(arrived.some((text) => text.includes(encoded)))
  })
})
