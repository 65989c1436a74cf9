/** The SMTP, submission and LMTP transcripts on the real receiver. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { commands } from '../../src/protocol/smtp/commands.ts'
import { runTranscript } from './run.ts'
import { smtpHost } from './smtp-host.ts'

const folder = join(process.env.PENNYPOST_ROOT!, 'test', 'transcripts', 'smtp')
const files = readdirSync(folder).filter((name) => name.endsWith('.txt'))

/** `{x*500}` stands for five hundred of them. */
function read(name: string): string {
  return readFileSync(join(folder, name), 'utf8').replace(/\{(.)\*(\d+)\}/g, (_, char: string, count: string) =>
    char.repeat(Number(count)),
  )
}

for (const name of files) {
  const text = read(name)
  test(`${name}: ${/^# (.*)/.exec(text)?.[1] ?? ''}`, async () => {
    const said = await runTranscript(text, (await smtpHost()).host, 0)
    for (const cuts of [1, 2, 3, 4])
      assert.deepEqual(
        await runTranscript(text, (await smtpHost()).host, cuts),
        said,
        `cut ${cuts} changes what the server says`,
      )
  })
}

test('each verb occurs in a transcript', () => {
  const spoken = new Set<string>()
  for (const name of files)
    for (const [, verb] of read(name).matchAll(/^C\d*: ([A-Z]+)/gim)) spoken.add(verb!.toUpperCase())
  for (const { name } of commands) assert.ok(spoken.has(name), `no transcript says ${name}`)
})

test('every reply but greetings, HELO, EHLO and 334 bears an enhanced code of its class', async () => {
  for (const name of files) {
    for (const text of (await runTranscript(read(name), (await smtpHost()).host, 0)).values()) {
      let greeting = true
      let hello = false
      for (const line of text.split('\r\n').slice(0, -1)) {
        const [, code, more, enhanced] = /^(\d{3})([ -])(?:(\d)\.\d{1,3}\.\d{1,3} )?/.exec(line)!
        if (/^250.*(greets|^250 foo\.com$)/.test(line) || line === '250 foo.com') hello = true
        // XCLIENT is answered by a greeting as well.
        if (/^220 \S+ [EL]S?MTP Pennypost$/.test(line)) greeting = true
        if (!greeting && !hello && code !== '334' && code !== '354')
          assert.equal(enhanced, code![0], `${name}: ${line}`)
        greeting = false
        if (more === ' ') hello = false
      }
    }
  }
})
