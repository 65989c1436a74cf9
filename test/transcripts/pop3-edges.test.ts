/** POP3 off the good path: TLS with commands behind it, a removal that fails, headers that end at the edge of a slice. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusal, status } from '../../src/mail/status.ts'
import { readSliceBytes } from '../../src/mail/content.ts'
import type { Pop3Backend } from '../../src/protocol/pop3/backend.ts'
import { Pop3Session } from '../../src/protocol/pop3/session.ts'
import { Talk } from './talk.ts'

const messages = (bytes: readonly Buffer[]) => bytes.map(({ length }, i) => ({ sizeBytes: length, uidl: `m${i}` }))

/** A maildrop in memory. @param remove what QUIT's removal does. @param refusal what a sign-in throws. */
function talkTo(
  drop: Buffer[],
  remove = async (): Promise<void> => {},
  refusal?: Refusal,
): { talk: Talk; isOpen: () => boolean } {
  let open = false
  const backend: Pop3Backend = {
    async open() {
      assert.ok(!open, 'the maildrop is locked')
      open = true
      return {
        messages: messages(drop),
        read: async (index) => ({
          sizeBytes: drop[index]!.length,
          read: async (start, end) => drop[index]!.subarray(start, end),
        }),
        remove,
        close: () => void (open = false),
      }
    },
  }
  const authenticator = {
    async verifyPassword() {
      if (refusal) throw refusal
      return { accountId: 1, name: 'mrose' }
    },
  }
  const options = { hostname: 'x.example', startTls: true, plaintextAuth: true, mechanisms: [], loginDelaySeconds: 0 }
  return { talk: new Talk(new Pop3Session({ ...options, backend, authenticator })), isOpen: () => open }
}

const say = (talk: Talk, text: string): Promise<string> => talk.say(Buffer.from(text))

test('what was pipelined behind STLS in clear is dropped, and what was said before it forgotten', async () => {
  const { talk, isOpen } = talkTo([])
  await talk.listen()
  assert.equal(await say(talk, 'USER mrose\r\n'), '+OK Now the password\r\n')
  assert.equal(await say(talk, 'STLS\r\nPASS secret\r\nCAPA\r\nUSER evil\r\n'), '+OK Begin TLS\r\n')
  assert.equal(isOpen(), false)
  assert.equal(await say(talk, 'PASS secret\r\n'), '-ERR Say USER first\r\n')
})

test('a directory that is silent is [SYS/TEMP], and no wrong password; one that says no is [AUTH]. RFC 3206', async () => {
  for (const [refusal, code, times] of [
    // More often than wrong passwords are forgiven.
    [status.localError, 'SYS/TEMP', 5],
    [status.authFailed, 'AUTH', 1],
  ] as const) {
    const { talk } = talkTo([], undefined, new Refusal(refusal))
    await talk.listen()
    for (let n = 0; n < times; n++)
      assert.match(await say(talk, 'USER mrose\r\nPASS secret\r\n'), new RegExp(`^\\+OK [^\r]*\r\n-ERR \\[${code}\\] `))
  }
})

test('QUIT whose removal fails is -ERR [SYS/TEMP], and the lock is given back', async () => {
  const drop = [Buffer.from('\r\none'), Buffer.from('\r\ntwo')]
  const { talk, isOpen } = talkTo(drop, () => Promise.reject(new Error('no room')))
  await talk.listen()
  await say(talk, 'USER mrose\r\nPASS secret\r\n')
  assert.equal(isOpen(), true)
  const said = await say(talk, 'DELE 1\r\nQUIT\r\n')
  assert.match(said, /^\+OK Message 1 is marked\r\n-ERR \[SYS\/TEMP\] [^\r]*\r\n$/)
  assert.equal(talk.closed, true)
  assert.equal(isOpen(), false)
})

test('TOP of a header that ends at the edge of a slice, or a few bytes beside it', async () => {
  for (const mode of ['UTF8\r\n', ''])
    for (let beside = -5; beside <= 5; beside++)
      for (const lines of [0, 1, 2]) {
        const size = readSliceBytes + beside
        // A blank line behind `Subject: …`: `size` bytes of header in all.
        const subject = 'Subject: '
        const header = `${subject}${'x'.repeat(size - subject.length - 4)}\r\n\r\n`
        const body = ['one\r\n', 'two\r\n', 'three\r\n']
        const { talk } = talkTo([Buffer.from(header + body.join(''))])
        await talk.listen()
        await say(talk, `${mode}USER mrose\r\nPASS secret\r\n`)
        const said = await say(talk, `TOP 1 ${lines}\r\n`)
        const wanted = `${header}${body.slice(0, lines).join('')}.\r\n`
        assert.ok(said.endsWith(`octets\r\n${wanted}`), `${mode} ${beside} ${lines}: ${said.slice(-40)}`)
      }
})
