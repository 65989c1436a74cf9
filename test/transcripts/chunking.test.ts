/** BDAT: octets are counted, whatever they are and however they arrive, and none of them is ever a command. RFC 3030 §2. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { messagesOf, smtpHost, type SmtpSurroundings } from './smtp-host.ts'
import { Talk } from './talk.ts'

const envelope = (parameters = ''): string =>
  `EHLO a\r\nMAIL FROM:<smith@bar.com>${parameters}\r\nRCPT TO:<jones@foo.com>\r\n`

async function say({ host }: SmtpSurroundings, chunks: readonly Buffer[]): Promise<string[]> {
  const talk = new Talk(host.open(1))
  let said = await talk.listen()
  for (const chunk of chunks) said += await talk.say(chunk)
  talk.session.closed()
  return [...said.matchAll(/^(\d{3}) /gm)].map(([, code]) => code!).slice(2)
}

/** Where it may be cut: nowhere, everywhere, and at each single place. */
function cutsOf(bytes: Buffer): Buffer[][] {
  const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
  const pairs = Array.from(bytes, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)])
  return [[bytes], single, ...pairs]
}

async function bodyOf({ store }: SmtpSurroundings): Promise<string | undefined> {
  const message = (await messagesOf(store, 'jones@foo.com')).at(-1)
  return message?.slice(message.indexOf('Subject: x'))
}

const tricky = 'Subject: x\r\n\r\n\r\n.\r\nBDAT 5 LAST\r\nRSET\r\nQUIT\r\n..\r\n'

test('what looks like an end or like a command within the octets is neither, cut at every byte', async () => {
  const bytes = Buffer.from(`${envelope()}BDAT ${tricky.length} LAST\r\n${tricky}NOOP\r\nQUIT\r\n`)
  const surroundings = await smtpHost()
  for (const chunks of cutsOf(bytes)) {
    assert.deepEqual(await say(surroundings, chunks), ['250', '250', '250', '250', '221'])
    assert.equal(await bodyOf(surroundings), tricky)
  }
  await surroundings.store.close()
})

test('octets out of order are swallowed and no command of theirs is heard, cut at every byte', async () => {
  const evil = 'MAIL FROM:<evil@bar.com>\r\nRCPT TO:<brown@foo.com>\r\nBDAT 0 LAST\r\n'
  const bytes = Buffer.from(`EHLO a\r\nBDAT ${evil.length}\r\n${evil}BDAT ${evil.length} LAST\r\n${evil}QUIT\r\n`)
  const surroundings = await smtpHost()
  for (const chunks of cutsOf(bytes)) assert.deepEqual(await say(surroundings, chunks), ['503', '503', '221'])
  assert.deepEqual(await messagesOf(surroundings.store, 'brown@foo.com'), [])
  await surroundings.store.close()
})

test('any bytes, in any pieces, cut anywhere, come out as they went in where BINARYMIME was said', async () => {
  const surroundings = await smtpHost()
  const pieces = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(pieces, fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), async (given, sizes) => {
      const body = [Buffer.from('Subject: x\r\n\r\n'), ...given]
      const wire = Buffer.concat([
        Buffer.from(envelope(' BODY=BINARYMIME')),
        ...body.flatMap((piece, i) => [
          Buffer.from(`BDAT ${piece.length}${i === body.length - 1 ? ' LAST' : ''}\r\n`),
          piece,
        ]),
      ])
      const chunks: Buffer[] = []
      for (let at = 0, i = 0; at < wire.length; i++) {
        const size = sizes[i % sizes.length]!
        chunks.push(wire.subarray(at, at + size))
        at += size
      }
      assert.deepEqual(await say(surroundings, chunks), ['250', '250', ...body.map(() => '250')])
      assert.equal(await bodyOf(surroundings), Buffer.concat(body).toString('latin1'))
    }),
    { numRuns: 60 },
  )
  await surroundings.store.close()
})

const bare = ['a\nb\r\n', 'a\rb\r\n', 'a\r\n\r', '\n', 'a\r\r\n']

for (const lines of bare) {
  const text = `Subject: x\r\n\r\n${lines}`
  const split = (parameters: string): Buffer[] =>
    Array.from(text, (_, at) =>
      Buffer.from(
        `${envelope(parameters)}BDAT ${at}\r\n${text.slice(0, at)}BDAT ${text.length - at} LAST\r\n${text.slice(at)}`,
      ),
    )

  test(`${JSON.stringify(lines)} in BDAT: refused as a text, whatever piece it is in`, async () => {
    const surroundings = await smtpHost()
    for (const bytes of split(' BODY=8BITMIME')) {
      const codes = (await say(surroundings, [bytes])).slice(2)
      // At the piece that has it, or at the last; a piece behind a refused one is out of order.
      assert.ok(['250 554', '554 503'].includes(codes.join(' ')), codes.join(' '))
    }
    assert.equal(await bodyOf(surroundings), undefined)
    await surroundings.store.close()
  })

  test(`${JSON.stringify(lines)} in BDAT: mended where line ends are mended, kept as binary`, async () => {
    const surroundings = await smtpHost()
    await surroundings.host.prepare('option bareNewline "normalize"', Buffer.alloc(0))
    for (const bytes of split('')) {
      assert.deepEqual(await say(surroundings, [bytes]), ['250', '250', '250', '250'])
      assert.doesNotMatch((await bodyOf(surroundings))!, /\r(?!\n)|(?<!\r)\n/)
    }
    for (const bytes of split(' BODY=BINARYMIME')) {
      assert.deepEqual(await say(surroundings, [bytes]), ['250', '250', '250', '250'])
      assert.equal(await bodyOf(surroundings), text)
    }
    await surroundings.store.close()
  })
}
