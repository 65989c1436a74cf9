import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SmtpServer } from '../../library/smtp/index.ts'
import { submitTo } from './submit.ts'

test('no password is sent in clear to a machine that is not this one, by whatever mechanism', async (t) => {
  const signedIn: string[] = []
  const got: string[] = []
  const server = new SmtpServer<string>({
    service: 'submission',
    plaintextAuth: true,
    onPassword({ username }) {
      signedIn.push(username)
      return username
    },
    async onMessage(message) {
      got.push(Buffer.from(await message.bytes()).toString())
    },
  })
  const { port } = await server.listen(0)
  t.after(() => server.close({ graceMs: 0 }))
  const bytes = Buffer.from('Subject: x\r\n\r\nHello\r\n')
  const envelope = { reversePath: 'a@x.example', recipients: ['b@y.example'], body: '7bit', smtpUtf8: false } as const
  const submit = (host: string, user?: string): ReturnType<typeof submitTo> =>
    submitTo(
      { server: `${host}:${port}`, tls: 'auto', user, password: 'secret', insecure: false, hostname: 'client.example' },
      envelope,
      bytes,
    )
  // 0.0.0.0 leads here too, but who would know?
  const refused = await submit('0.0.0.0', 'anne')
  assert.deepEqual([refused.kind, refused.words], ['later', 'no password is sent without TLS'])
  assert.deepEqual(signedIn, [])
  assert.equal((await submit('127.0.0.1', 'anne')).kind, 'taken')
  assert.deepEqual(signedIn, ['anne'])
  assert.equal(got.length, 1)
})
