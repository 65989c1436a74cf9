/** Every message of the MIME collections in by SMTP and out by IMAP, over real sockets: byte for byte what came, with its header's end mended, behind what we write before it. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startReal } from './real.ts'

const root = join(process.env.PENNYPOST_ROOT!, '..', 'shared', 'vectors')
const folders = ['mime-cpython', 'mime-mime4j']
const user = 'alice@a.example'

function messageFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(eml|msg)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

/** What a program that hands a file to SMTP does: its line ends become CRLF. Other CRs stay where they are. */
function onTheWire(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1').replace(/\r?\n/g, '\r\n')
  return Buffer.from(text.endsWith('\r\n') ? text : `${text}\r\n`, 'latin1')
}

/** What comes out: an mbox separator is a field, and a header that runs into text has its blank line. */
function mended(bytes: Buffer): Buffer {
  const lines = bytes.toString('latin1').split(/(?<=\n)/)
  const isField = (line: string): boolean => /^[!-9;-~]+[ \t]*:/.test(line)
  const first = /^>?From /.test(lines[0]!) && !isField(lines[0]!) ? 1 : 0
  if (first > 0) lines[0] = `X-Mailbox-Line: ${lines[0]}`
  const end = lines.findIndex((line, at) => at >= first && !isField(line) && (at === first || !/^[ \t]/.test(line)))
  if (end >= 0 && lines[end] !== '\r\n') lines.splice(end, 0, '\r\n')
  return Buffer.from(lines.join(''), 'latin1')
}

if (!existsSync(root)) test('MIME vectors', (t) => t.skip('no vectors'))
else
  for (const data of ['memory', 'disk']) {
    test(`MIME vectors through a store on ${data}`, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'pennypost-'))
      const real = await startReal({ data: data === 'disk' ? folder : ':memory:', users: [user] })
      try {
        const smtp = await real.smtp('lmtp')
        const sent: { name: string; bytes: Buffer }[] = []
        const refused: string[] = []
        for (const path of folders.flatMap((name) => messageFiles(join(root, name)))) {
          const name = path.slice(root.length + 1)
          const bytes = onTheWire(readFileSync(path))
          const envelope = {
            reversePath: 'x@y.example',
            recipients: [user],
            body: '8bitmime' as const,
            smtpUtf8: false,
          }
          const read = (start: number, end: number): Uint8Array => bytes.subarray(start, end)
          const { recipients } = await smtp.send(envelope, { sizeBytes: bytes.length, read })
          const hasBareCr = /\r(?!\n)/.test(bytes.toString('latin1'))
          assert.equal(recipients[0]!.code, hasBareCr ? 554 : 250, name)
          if (hasBareCr) refused.push(name)
          else sent.push({ name, bytes: mended(bytes) })
        }
        await smtp.quit()
        assert.ok(sent.length > 100, `${sent.length} messages`)
        const imap = await real.imap(user, 'INBOX')
        let at = 0
        for (const message of await imap.fetch('1:*', '(RFC822.SIZE BODY.PEEK[] BINARY.PEEK[] BINARY.SIZE[])')) {
          const { name, bytes } = sent[at++]!
          for (const item of ['BODY[]', 'BINARY[]']) {
            const value = message.items.get(item)
            const whole = typeof value === 'string' ? Buffer.from(value, 'latin1') : Buffer.from(value as Uint8Array)
            const prefix = whole.subarray(0, whole.length - bytes.length).toString('latin1')
            assert.ok(whole.subarray(whole.length - bytes.length).equals(bytes), `${item} of ${name}`)
            assert.match(
              prefix,
              /^Return-Path: <x@y\.example>\r\nDelivered-To: alice@a\.example\r\nReceived: (?:[^\r]|\r\n )*\r\n$/,
            )
            assert.equal(Number(message.items.get('RFC822.SIZE')), whole.length, name)
            assert.equal(Number(message.items.get('BINARY.SIZE[]')), whole.length, name)
          }
        }
        assert.equal(at, sent.length)
        await imap.logout()
        t.diagnostic(`${sent.length} messages equal, ${refused.length} with a bare CR refused: ${refused.join(' ')}`)
      } finally {
        await real.stop()
        rmSync(folder, { recursive: true, force: true })
      }
    })
  }
