/** nodemailer sends, imapflow reads, flags, moves and waits: what most programs in Node use. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { password } from '../stories/real.ts'
import { attachment, fill, mails } from './mails.ts'
import { alice, bob, read, withCertified } from './programs.ts'

test('nodemailer by submission and submissions: an attachment, UTF-8, a pool, several recipients', async () => {
  await withCertified(async (real, _folder, ca) => {
    for (const [service, secure] of [
      ['submission', false],
      ['submissions', true],
    ] as const) {
      const transport = createTransport({
        host: 'localhost',
        port: real.port(service),
        secure,
        requireTLS: true,
        pool: true,
        tls: { ca: readFileSync(ca) },
        auth: { user: alice, pass: password },
      })
      assert.equal(await transport.verify(), true)
      const sent = await Promise.all(
        ['eins', 'Grüße 花'].map((subject) =>
          transport.sendMail({
            from: { name: 'Älice', address: alice },
            to: [bob, alice],
            subject,
            text: 'Blumen für dich\n.\n',
            html: '<p>Blumen für dich</p>',
            attachments: [{ filename: 'größe.bin', content: attachment }],
          }),
        ),
      )
      for (const { accepted, rejected } of sent) assert.deepEqual([accepted, rejected], [[bob, alice], []])
      await assert.rejects(
        transport.sendMail({ from: bob, to: bob, subject: 'another’s', text: 'x' }),
        ({ responseCode }: { responseCode: number }) => responseCode === 550,
      )
      transport.close()
    }
    assert.equal((await read(real, alice)).length, 4)
    const arrived = await read(real, bob)
    assert.equal(arrived.length, 4)
    for (const text of arrived) {
      const encoded = /filename[^]*?\r\n\r\n([A-Za-z0-9+/=\r\n]+)\r\n--/.exec(text)![1]!
      assert.deepEqual(Buffer.from(encoded, 'base64'), attachment)
    }
  })
})

test('imapflow: bytes, structure, search, flags, folders, news while it idles', async () => {
  await withCertified(async (real, _folder, ca) => {
    await fill(real, bob)
    for (const [service, secure] of [
      ['imap', false],
      ['imaps', true],
    ] as const) {
      const client = new ImapFlow({
        host: 'localhost',
        port: real.port(service),
        secure,
        doSTARTTLS: secure ? undefined : true,
        tls: { ca: readFileSync(ca) },
        auth: { user: bob, pass: password },
        logger: false,
      })
      await client.connect()
      const folder = `Räume ${service}`
      await client.mailboxCreate(folder)
      assert.ok((await client.list()).some(({ path }) => path === folder))
      const lock = await client.getMailboxLock('INBOX')
      try {
        const sources: Buffer[] = []
        const structures: string[] = []
        for await (const message of client.fetch('1:*', { source: true, envelope: true, bodyStructure: true })) {
          sources.push(message.source!)
          structures.push(message.bodyStructure!.type)
          if (message.seq === 3) assert.equal(message.envelope!.subject, 'Grüße')
        }
        assert.deepEqual(sources.map(String), mails.map(String))
        assert.deepEqual(structures, ['text/plain', 'text/plain', 'text/plain', 'text/plain', 'multipart/mixed'])
        const { content, meta } = await client.download('5', '2')
        const pieces: Buffer[] = []
        for await (const piece of content) pieces.push(piece as Buffer)
        assert.equal(meta.filename, 'a.bin')
        assert.deepEqual(Buffer.concat(pieces), attachment)

        assert.deepEqual(await client.search({ subject: 'Grüße' }), [3])
        assert.deepEqual(await client.search({ body: '花' }), [3])
        assert.equal(await client.messageFlagsAdd('1:2', ['\\Seen', '$Label1']), true)
        assert.deepEqual(await client.search({ keyword: '$Label1', seen: true }), [1, 2])
        await client.messageFlagsRemove('1:2', ['\\Seen', '$Label1'])
        const copied = await client.messageCopy('1:2', folder)
        assert.ok(copied && copied.uidMap!.size === 2)
        const appended = await client.append(folder, Buffer.from('Subject: mine\r\n\r\nx\r\n'), ['\\Seen'], new Date(0))
        assert.ok(appended && appended.uid === 3)
        assert.equal(
          ((await client.status(folder, { messages: true, unseen: true })) as { messages?: number }).messages,
          3,
        )

        // News: it waits in IDLE until somebody else lays mail in.
        const news = new Promise<{ count: number }>((resolve) => client.once('exists', resolve))
        void client.idle()
        await fill(real, bob, [Buffer.from('Subject: news\r\n\r\n')])
        assert.equal((await news).count, mails.length + 1)
        const moved = await client.messageMove(`${mails.length + 1}`, folder)
        assert.ok(moved && moved.uidMap!.size === 1)
      } finally {
        lock.release()
      }
      await client.mailboxOpen(folder)
      assert.equal(await client.messageDelete('1'), true)
      await client.mailboxClose()
      await client.mailboxRename(folder, `${folder} alt`)
      await client.logout()
      const subjects = (await read(real, bob, `${folder} alt`)).map((text) => /^Subject: (.*)\r$/m.exec(text)![1])
      assert.deepEqual(subjects, ['dots', 'mine', 'news'])
    }
    assert.equal((await read(real, bob)).length, mails.length)
  })
})
