/** We send to another mail server. What it cannot do is named, with the reason. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerCases } from './mail-peer-cases.ts'
import { carries, fromAlice, letters, subjectOf } from './mail-peer-letters.ts'
import { pat, refusals } from './mail-peer-world.ts'

export function testTakesFromUs(cases: PeerCases): void {
  const { skip } = cases

  const bySecure = cases.can('takes STARTTLS') ? 'by STARTTLS and DANE' : 'in clear, where its STARTTLS breaks'

  test(`we send to ${cases.name} ${bySecure}: every byte arrives`, { skip }, async () => {
    const sent = letters(fromAlice)
    for (const { bytes, body } of sent) await cases.world.throughUs(bytes, { body })
    for (const { name, bytes } of sent) {
      const mail = await cases.theirs(subjectOf(bytes))
      assert.ok(carries(mail, bytes), `${name}: ${mail.subarray(0, 3000)}`)
      if (cases.can('takes STARTTLS'))
        assert.match(String(mail), /^Received: from [^;]*mx\.us\.example[^;]*(TLS|ESMTPS)/im)
    }
  })

  test(`we send to ${cases.name} by BDAT`, { skip: cases.unless('takes BDAT') }, async () => {
    await cases.world.throughUs(fromAlice('chunks for you', 'hello\r\n'))
    await cases.theirs('chunks for you')
    await cases.tells(/ bdat=\d| K /)
  })

  test(`we send to ${cases.name} without STARTTLS, where it offers none`, { skip }, async () => {
    const bytes = fromAlice('clear for you', 'hello\r\n')
    await cases.world.throughUs(bytes, { recipients: ['pat@clear.peer.example'] })
    const mail = await cases.theirs('clear for you')
    assert.ok(carries(mail, bytes))
    assert.doesNotMatch(String(mail).split('by mx.us.example')[0]!, /TLS|ESMTPS/)
  })

  test(`we send to ${cases.name} with SMTPUTF8, or tell our user that it does not know it`, { skip }, async () => {
    const bytes = fromAlice('Grüße an dich', 'hello\r\n')
    await cases.world.throughUs(bytes, { recipients: ['jörg@peer.example'], smtpUtf8: true, body: '8bitmime' })
    if (cases.can('takes SMTPUTF8')) {
      const mail = await cases.theirs(Buffer.from('Grüße an dich').toString('latin1'), 'jörg')
      assert.ok(carries(mail, bytes))
    } else assert.match(String(await cases.ours(/5\.6\.7/)), /SMTPUTF8/)
  })

  test(`what our user wishes to be told is passed to ${cases.name}, and its report is filed`, { skip }, async () => {
    await cases.world.throughUs(fromAlice('do tell', 'hello\r\n'), {
      dsn: [{ notify: ['success'], originalRecipient: 'rfc822;pat@peer.example' }],
      // Nothing that xtext would spell otherwise: Exim tells it as it came.
      envelopeId: 'letter-2',
    })
    const report = String(await cases.ours(/^Action: delivered[^]*^Subject: do tell\r$/im))
    if (cases.can('tells ENVID')) assert.match(report, /^Original-Envelope-Id: letter-2\r$/im)
    assert.match(report, /^Reporting-MTA: dns; ?mx\.peer\.example/im)
    assert.match(report, /^Final-Recipient: rfc822; ?pat@peer\.example/im)
  })

  // A greeting of 5xx is that host's own trouble: others of the domain may be well. RFC 5321 §3.1.
  const isGreeting = (stage: string): boolean => stage === 'connect' || stage === 'hello'

  test(
    `what ${cases.name} refuses by 5xx, at every stage, our user hears in its words; others get their mail`,
    { skip },
    async () => {
      const hard = refusals.filter(({ code }) => code === 5)
      for (const { domain, stage } of hard)
        await cases.world.throughUs(fromAlice(`hard ${stage}`, 'hello\r\n'), { recipients: [`pat@${domain}`] })
      for (const { domain, stage, words } of hard) {
        if (isGreeting(stage)) await cases.waits(`pat@${domain}`, new RegExp(words))
        else assert.match(String(await cases.ours(new RegExp(`pat@${domain}[^]*${words}`))), /^Action: failed/im)
      }
      const bytes = fromAlice('to nobody and pat', 'hello\r\n')
      await cases.world.throughUs(bytes, { recipients: ['nobody@peer.example', pat] })
      assert.ok(carries(await cases.theirs('to nobody and pat'), bytes))
      assert.match(
        String(await cases.ours(/^Final-Recipient: rfc822; ?nobody@peer\.example/im)),
        /^Diagnostic-Code: smtp; ?5\d\d /im,
      )
    },
  )

  test(`we pass a dead host of ${cases.name} by, and return what nobody takes`, { skip }, async () => {
    await cases.world.throughUs(fromAlice('your second host', 'hello\r\n'), { recipients: ['pat@backup.peer.example'] })
    await cases.world.throughUs(fromAlice('nobody takes mail', 'hello\r\n'), {
      recipients: ['pat@nothing.peer.example'],
    })
    await cases.theirs('your second host')
    assert.match(String(await cases.ours(/pat@nothing\.peer\.example/)), /5\.1\.10/)
  })

  test(`DANE and MTA-STS between us and ${cases.name}: what does not fit waits`, { skip }, async () => {
    await cases.world.throughUs(fromAlice('wrong key', 'hello\r\n'), { recipients: ['pat@wrong.peer.example'] })
    await cases.world.throughUs(fromAlice('by policy', 'hello\r\n'), { recipients: ['pat@policy.example'] })
    await cases.world.throughUs(fromAlice('misfit', 'hello\r\n'), { recipients: ['pat@misfit.example'] })
    const broken = !cases.can('takes STARTTLS')
    await cases.waits('pat@wrong.peer.example', broken ? /the TLS handshake failed/ : /mx2\.peer\.example .*DANE/)
    await cases.waits('pat@misfit.example', /MTA-STS/)
    if (broken) await cases.waits('pat@policy.example', /the TLS handshake failed/)
    else await cases.theirs('by policy')
    const there = cases.world.peer.inbox('pat').map(subjectOf)
    assert.deepEqual(
      there.filter((subject) => subject === 'wrong key' || subject === 'misfit'),
      [],
    )
  })

  test(`what ${cases.name} puts off by 4xx, at every stage, goes once it relents`, { skip }, async () => {
    const soft = refusals.filter(({ code }) => code === 4)
    for (const { domain, stage } of soft)
      await cases.world.throughUs(fromAlice(`soft ${stage}`, 'hello\r\n'), { recipients: [`pat@${domain}`] })
    for (const { domain, words } of soft) await cases.waits(`pat@${domain}`, new RegExp(words))
    await cases.world.peerRelents()
    for (const { stage } of soft) await cases.theirs(`soft ${stage}`)
    const subjects = cases.world.peer
      .inbox('pat')
      .map(subjectOf)
      .filter((subject) => subject.startsWith('soft '))
    assert.equal(subjects.length, soft.length)
  })
}
