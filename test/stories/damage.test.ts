/** A damaged data folder as its users and its operator meet it: clients, commands. The store's own matrix is test/store/damage.test.ts. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { dialogue } from './dialogue.ts'
import { pennypost } from './program.ts'
import { password, startReal, type RealSystem } from './real.ts'

let folder: string
let data: string
let system: RealSystem
const bob = 'bob@example.org'

function flip(text: string): void {
  const path = join(data, 'segments', '00000001.seg')
  const bytes = readFileSync(path)
  const at = bytes.indexOf(text)
  assert.ok(at > 0)
  bytes[at] = 0x21
  writeFileSync(path, bytes)
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pennypost-damaged-'))
  data = join(folder, 'data')
  system = await startReal({ data, users: [bob], plaintextAuth: true })
  const client = await system.smtp('lmtp')
  for (const subject of ['one', 'two', 'three']) {
    const envelope = { reversePath: '', recipients: [bob], body: '7bit' as const, smtpUtf8: false }
    await client.send(envelope, {
      sizeBytes: Buffer.byteLength(text(subject)),
      read: (start, end) => Buffer.from(text(subject)).subarray(start, end),
    })
  }
  await client.quit()
  await system.stop()
})
after(() => rmSync(folder, { recursive: true, force: true }))

function text(subject: string): string {
  return `From: a@far.example\r\nTo: ${bob}\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@far.example>\r\nDate: Fri, 2 Jan 2026 03:04:05 +0000\r\n\r\nThe text of ${subject}.\r\n`
}

test('of a damaged message FETCH leaves out what cannot be read, RETR says so, SEARCH goes on; the others are there', async () => {
  flip('The text of two')
  system = await startReal({ data, users: [bob], plaintextAuth: true })
  const imap = connect(system.port('imap'), '127.0.0.1')
  await dialogue(imap, [
    ['', /\* OK/],
    [`a LOGIN ${bob} "${password}"\r\n`, /a OK/],
    ['b EXAMINE INBOX\r\n', /b OK[^\r]*\r\n/],
    [
      'c FETCH 1:* BODY.PEEK[]\r\n',
      /^\* 1 FETCH \(BODY\[\] [^]*The text of one[^]*\* 3 FETCH [^]*The text of three[^]*c NO \[CORRUPTION\] One message cannot be read/,
    ],
    ['d FETCH 2 (FLAGS ENVELOPE)\r\n', /^[^]*\* 2 FETCH [^]*two[^]*d OK/],
    ['e SEARCH TEXT "text of three"\r\n', /\* SEARCH 3\r\ne OK/],
    ['f LOGOUT\r\n', /f OK/],
  ])
  const pop3 = connect(system.port('pop3'), '127.0.0.1')
  await dialogue(pop3, [
    ['', /\+OK[^\r]*\r\n/],
    [`USER ${bob}\r\nPASS ${password}\r\n`, /\+OK[^\r]*\r\n\+OK[^\r]*\r\n/],
    ['RETR 1\r\n', /The text of one[^]*\r\n\.\r\n/],
    ['RETR 2\r\n', /^-ERR \[SYS\/PERM\] [^\r]*disk\r\n/],
    ['RETR 3\r\n', /The text of three[^]*\r\n\.\r\n/],
    ['QUIT\r\n', /\+OK/],
  ])
  await system.stop()
})

test('the operator sees it, and saves what there is', async () => {
  const verified = await pennypost(['verify', '--data', data])
  assert.equal(verified.status, 1)
  assert.match(verified.err, /Content \d+ in segment 1 at \d+ is not what arrived/)
  assert.match((await pennypost(['quarantine', 'list', '--data', data])).err, /^The quarantine is empty\.\n$/)
  assert.equal((await pennypost(['quarantine', 'list', '--json', '--data', data])).out, '[]\n')
  const none = await pennypost(['quarantine', 'retry', '1:8', '--data', data])
  assert.deepEqual(
    [none.status, none.err],
    [1, 'There is no quarantined record "1:8": "pennypost quarantine list" lists them.\n'],
  )
  assert.match((await pennypost(['lost', 'list', '--data', data])).err, /^There are no lost files\.\n$/)
  const out = join(folder, 'salvaged')
  const salvaged = await pennypost(['salvage', data, out])
  assert.match(
    salvaged.out,
    /^Wrote 2 messages to .*: 2 with the mailbox, 0 from log records alone, 0 from the queue\. 1 message could not be read\.$/m,
  )
  assert.equal(readdirSync(join(out, bob, 'cur')).length, 2)
  const again = await pennypost(['salvage', data, out])
  assert.equal(again.status, 1)
  assert.match(again.err, /already exists: name a new folder/)
  assert.match((await pennypost(['salvage', folder, `${out}2`])).err, /is not a data folder/)
})

test('a server does not begin anew over mail whose database is gone, and says what to do', async () => {
  for (const name of readdirSync(data)) if (name.startsWith('pennypost.db')) rmSync(join(data, name))
  const config = join(folder, 'pennypost.toml')
  writeFileSync(config, `data = ${JSON.stringify(data)}\n[[listener]]\nservice = "imap"\naddress = "127.0.0.1:0"\n`)
  const { status, err } = await pennypost(['serve', '--config', config])
  assert.equal(status, 1)
  assert.match(err, /There is mail \(.*00000001\.seg\).*"pennypost restore".*"pennypost salvage"/)
  assert.ok(!existsSync(join(data, 'pennypost.db')))
  const out = join(folder, 'salvaged3')
  const salvaged = await pennypost(['salvage', data, out, '--json'])
  const report = JSON.parse(salvaged.out) as { byRecord: number; faults: string[] }
  assert.equal(report.byRecord, 2)
  assert.match(report.faults.join(), /The database: there is none/)
})
