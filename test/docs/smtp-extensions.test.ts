/** docs/smtp-extensions.md is fresh, and tells of everything that EHLO does. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Talk } from '../transcripts/talk.ts'
import { smtpHost } from '../transcripts/smtp-host.ts'
import { extensions, extensionsPage, transcripts } from './smtp-extensions.ts'

const root = process.env.PENNYPOST_ROOT!

test('the page is what the table and the transcripts say', () => {
  assert.equal(
    readFileSync(join(root, 'docs', 'smtp-extensions.md'), 'utf8'),
    extensionsPage(root),
    'node scripts/smtp-extensions.mjs',
  )
})

test('everything that EHLO offers stands in the table, in its order, and nothing else', async () => {
  const { host, store } = await smtpHost()
  for (const words of [
    'service submission',
    'option startTls true',
    'option plaintextAuth true',
    'time 2024-01-15T12:00:00Z',
    'policy noSoliciting ["net.example:ADV"]',
    'policy addressQueries "trusted"',
    'trusted',
    'xclient 192.0.2.0/24',
  ])
    await host.prepare(words, Buffer.alloc(0))
  const talk = new Talk(host.open(1))
  await talk.listen()
  const hello = async (): Promise<string[]> =>
    (await talk.say(Buffer.from('EHLO a.example\r\n')))
      .split('\r\n')
      .slice(1, -1)
      .map((line) => line.slice(4).split(' ')[0]!)
  const clear = await hello()
  await talk.say(Buffer.from('STARTTLS\r\n'))
  const encrypted = await hello()
  const told = extensions.map(({ keyword }) => keyword)
  assert.deepEqual(
    told.filter((keyword) => keyword !== 'REQUIRETLS'),
    clear,
  )
  assert.deepEqual(
    told.filter((keyword) => keyword !== 'STARTTLS'),
    encrypted,
  )
  await talk.end()
  await store.close()
})

test('a transcript that is said to run an example names its document and section', () => {
  for (const { of, runs } of extensions.flatMap(({ examples }) => examples)) {
    if (runs === undefined) continue
    const text = readFileSync(join(root, transcripts, runs), 'utf8')
    const [, document, section] = /^((?:RFC \d+|\w+))(?: (?:§|appendix )(.+))?$/.exec(of)!
    assert.ok(text.includes(document!), `${runs} does not name ${document}`)
    if (section !== undefined) assert.ok(text.includes(section), `${runs} does not name ${of}`)
  }
})
