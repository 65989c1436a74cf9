/** Ends of data that only some servers believe in: each makes one message or none, never two. RFC 5321 §2.3.8. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { messagesOf, smtpHost, type SmtpSurroundings } from './smtp-host.ts'
import { Talk } from './talk.ts'

interface Row {
  readonly sequence: string
  readonly messages_expected: number
}

const file = join(process.env.PENNYPOST_ROOT!, '..', 'shared', 'vectors', 'smtp-smuggling', 'sequences.json')

function unescape(text: string): string {
  return text.replaceAll('\\r', '\r').replaceAll('\\n', '\n').replaceAll('\\0', '\0')
}

const hello = 'EHLO a\r\nMAIL FROM:<smith@bar.com>\r\nRCPT TO:<jones@foo.com>\r\nDATA\r\n'
const second = 'MAIL FROM:<evil@bar.com>\r\nRCPT TO:<brown@foo.com>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n'
const after =
  'RSET\r\nMAIL FROM:<smith@bar.com>\r\nRCPT TO:<bigjones@foo.com>\r\nDATA\r\nSubject: after\r\n\r\n.\r\nQUIT\r\n'

async function counts({ store }: SmtpSurroundings): Promise<{ first: number; smuggled: number; after: number }> {
  const count = async (user: string): Promise<number> =>
    (await store.read.mailbox((await store.read.user(user))!.inbox))!.messages
  return {
    first: await count('jones@foo.com'),
    smuggled: await count('brown@foo.com'),
    after: await count('bigjones@foo.com'),
  }
}

async function dialogue({ host }: SmtpSurroundings, chunks: readonly string[]): Promise<string[]> {
  const talk = new Talk(host.open(1))
  let said = await talk.listen()
  for (const chunk of chunks) said += await talk.say(Buffer.from(chunk, 'latin1'))
  assert.ok(talk.closed)
  talk.session.closed()
  const codes = [...said.matchAll(/^(\d{3}) /gm)].map(([, code]) => code!)
  return codes.slice(codes.indexOf('354') + 1)
}

const tail = ['250', '250', '250', '354', '250', '221']

if (!existsSync(file)) test('smuggling', (t) => t.skip('no vectors'))
else {
  for (const { sequence, messages_expected: expected } of JSON.parse(readFileSync(file, 'utf8')) as Row[]) {
    test(`smuggling by ${sequence}: ${expected}, cut at every byte`, async () => {
      const surroundings = await smtpHost()
      const body = `Subject: first\r\n\r\na${unescape(sequence)}${second}`
      const text = hello + body + after
      const cuts = [[text], [...text], ...Array.from(text, (_, at) => [text.slice(0, at), text.slice(at)])]
      let before = await counts(surroundings)
      for (const chunks of cuts) {
        const codes = await dialogue(surroundings, chunks)
        const now = await counts(surroundings)
        const filed = now.first - before.first
        const [answer] = codes
        if (expected === 2) assert.deepEqual(codes, ['250', '250', '250', '354', '250', ...tail])
        else assert.deepEqual(codes, [answer, ...tail], 'the body was answered once, at its true end')
        assert.equal(filed, answer === '250' ? 1 : 0)
        assert.match(answer!, /^250$|^5/)
        assert.equal(now.smuggled - before.smuggled, expected - 1)
        assert.equal(now.after - before.after, 1, 'the session goes on')
        before = now
      }
      if (expected === 1 && /[\r\n]/.test(unescape(sequence).replaceAll('\r\n', '')))
        assert.equal(before.first, 0, 'a bare CR or LF is refused')
      await surroundings.store.close()
    })

    test(`smuggling by ${sequence} where line ends are mended: one message, and no bare CR or LF in it`, async () => {
      const surroundings = await smtpHost()
      await surroundings.host.prepare('option bareNewline "normalize"', Buffer.alloc(0))
      const text = `${hello}Subject: first\r\n\r\na${unescape(sequence)}${second}${after}`
      let before = await counts(surroundings)
      for (const chunks of [[text], [...text]]) {
        await dialogue(surroundings, chunks)
        const now = await counts(surroundings)
        assert.equal(now.first - before.first, 1)
        assert.equal(now.smuggled - before.smuggled, expected - 1)
        assert.equal(now.after - before.after, 1)
        before = now
      }
      for (const message of await messagesOf(surroundings.store, 'jones@foo.com'))
        assert.doesNotMatch(message, /\r(?!\n)|(?<!\r)\n/)
      await surroundings.store.close()
    })
  }
}
