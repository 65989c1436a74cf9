/** Another mail server sends to us. What it cannot do is named, with the reason. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerCases } from './mail-peer-cases.ts'
import { attachment, carries, fromPat, letters, subjectOf } from './mail-peer-letters.ts'
import { alice, fay } from './mail-peer-world.ts'
import { read } from './programs.ts'

export function testSendsToUs(cases: PeerCases): void {
  const { skip } = cases

  // First: a connection keeps the limits it began with, so each of these goes to a host that was not spoken to yet.
  test(
    `${cases.name} comes again where we take one recipient at a time, or no connection at all`,
    { skip },
    async () => {
      const { system } = cases.world.real
      const { config } = system
      await system.reload({ ...config, smtp: { ...config.smtp, recipientsMax: 1 } })
      await cases.world.throughPeer(fromPat('one by one', 'hello\r\n'), {
        recipients: ['alice@backup.us.example', 'bob@backup.us.example'],
      })
      await cases.tells(/4\.5\.3/)
      cases.world.peer.retry()
      await cases.ours('one by one')
      await cases.ours('one by one', 'bob@us.example')
      await system.reload({ ...config, limits: { ...config.limits, connectionsMax: 0 } })
      await cases.world.throughPeer(fromPat('no room', 'hello\r\n'), { recipients: ['alice@clear.us.example'] })
      await cases.tells(/421 4\.7\.0 Too many connections/)
      await system.reload(config)
      cases.world.peer.retry()
      await cases.ours('no room')
    },
  )

  test(`${cases.name} sends to us by STARTTLS: every byte arrives`, { skip }, async () => {
    const sent = letters(fromPat)
    for (const { bytes, body } of sent) await cases.world.throughPeer(bytes, { body })
    for (const { name, bytes } of sent) {
      const mail = await cases.ours(subjectOf(bytes))
      assert.ok(carries(mail, bytes), `${name}: ${mail.subarray(0, 3000)}`)
      assert.match(String(mail), /^Received: from mx\.peer\.example [^]*?\bby mx\.us\.example with ESMTPS\b/m)
    }
  })

  test(`${cases.name} sends to us by BDAT`, { skip: cases.unless('sends BDAT') }, async () => {
    await cases.world.throughPeer(fromPat('in chunks', 'hello\r\n'))
    await cases.ours('in chunks')
    // Its word for it.
    assert.match(cases.log(), /=> alice@us\.example [^\n]* K /)
  })

  test(`${cases.name} sends to us without STARTTLS, where we offer none`, { skip }, async () => {
    const bytes = fromPat('in clear', 'hello\r\n')
    await cases.world.throughPeer(bytes, { recipients: ['alice@clear.us.example'] })
    const mail = await cases.ours('in clear')
    assert.ok(carries(mail, bytes))
    assert.match(String(mail), /\bby mx\.us\.example with ESMTP\b/)
  })

  test(`${cases.name} sends to us with SMTPUTF8`, { skip: cases.unless('sends SMTPUTF8') }, async () => {
    const bytes = fromPat('Grüße', 'hello\r\n')
    const envelope = { reversePath: 'jörg@peer.example', recipients: ['jörg@us.example'], smtpUtf8: true } as const
    await cases.world.throughPeer(bytes, { ...envelope, body: '8bitmime' })
    const mail = await cases.ours(Buffer.from('Grüße').toString('latin1'), 'jörg@us.example')
    assert.ok(carries(mail, bytes))
    assert.match(String(mail), /^Return-Path: <jörg@peer\.example>/m)
    assert.match(String(mail), /\bby mx\.us\.example with UTF8SMTPS\b/)
  })

  test(`${cases.name} passes on what the sender wishes to be told, and gets our report`, { skip }, async () => {
    await cases.world.throughPeer(fromPat('tell me', 'hello\r\n'), {
      dsn: [{ notify: ['success'], originalRecipient: 'rfc822;alice@us.example' }],
      ret: 'hdrs',
      envelopeId: 'letter+1',
    })
    const report = String(await cases.theirs(/Original-Envelope-Id: letter\+1/i))
    assert.match(report, /^Reporting-MTA: dns; mx\.us\.example/im)
    assert.match(report, /^Original-Recipient: rfc822; ?alice@us\.example/im)
    assert.match(report, /^Action: delivered/im)
  })

  test(`what we refuse by 5xx ${cases.name} returns with our words: recipient, size, message`, { skip }, async () => {
    await cases.world.throughPeer(fromPat('nobody', 'hello\r\n'), { recipients: ['nobody@us.example'] })
    await cases.world.throughPeer(fromPat('send money', 'hello\r\n'))
    await cases.world.throughPeer(fromPat('five megabytes', `${attachment.repeat(5)}\r\n`))
    await cases.theirs(/nobody@us\.example[^]*5\.1\.1/)
    await cases.theirs(/we have no money/)
    await cases.theirs(/alice@us\.example[^]*\r\nSubject: five megabytes\r\n/)
  })

  test(
    `of two recipients of ${cases.name} one is nobody: the other gets it, the sender hears of the first`,
    {
      skip,
    },
    async () => {
      const bytes = fromPat('for two', 'hello\r\n')
      await cases.world.throughPeer(bytes, { recipients: ['no-one@us.example', alice] })
      assert.ok(carries(await cases.ours('for two'), bytes))
      const report = String(await cases.theirs(/^Final-Recipient: rfc822; ?no-one@us\.example/im))
      assert.doesNotMatch(report, /^Final-Recipient: rfc822; ?alice@/im)
    },
  )

  test(`what we put off by 4xx comes again from ${cases.name}`, { skip }, async () => {
    const bytes = fromPat('for a full mailbox', 'hello\r\n')
    await cases.world.throughPeer(bytes, { recipients: [fay] })
    await cases.tells(/4\.2\.2/)
    await cases.world.real.system.store.commit([{ kind: 'accountSet', name: fay, quotaBytes: 0 }])
    cases.world.peer.retry()
    assert.ok(carries(await cases.ours('for a full mailbox', fay), bytes))
    assert.equal((await read(cases.world.real, fay)).length, 1)
  })

  test(`${cases.name} passes a dead host of ours by`, { skip }, async () => {
    await cases.world.throughPeer(fromPat('second host', 'hello\r\n'), { recipients: ['alice@backup.us.example'] })
    await cases.ours('second host')
  })

  test(
    `${cases.name} returns what is for a domain of ours with a null MX`,
    { skip: cases.unless('knows null MX') },
    async () => {
      await cases.world.throughPeer(fromPat('no host', 'hello\r\n'), { recipients: ['alice@nothing.us.example'] })
      await cases.theirs(/alice@nothing\.us\.example/)
    },
  )

  test(
    `${cases.name} finds our key by DANE, and sends nothing where it is another`,
    { skip: cases.unless('checks DANE') },
    async () => {
      const dane = fromPat('by DANE', 'hello\r\n')
      await cases.world.throughPeer(dane)
      assert.ok(carries(await cases.ours('by DANE'), dane))
      await cases.world.throughPeer(fromPat('another key', 'hello\r\n'), { recipients: ['alice@wrong.us.example'] })
      await cases.tells(/mx2\.us\.example[^\n]*(not trusted|not verified|DANE|verif)/i)
      assert.equal(
        (await read(cases.world.real, alice)).filter((mail) => mail.includes('Subject: another key')).length,
        0,
      )
    },
  )
}
