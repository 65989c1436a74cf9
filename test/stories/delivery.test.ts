/** Mail that arrives: from MAIL FROM to what IDLE tells, aliases, quotas, and who may not send. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIpNetwork } from '../../src/base/ip-network.ts'
import { messagesIn, World, bytesOfText, password } from './world.ts'

const text = 'From: smith@bar.example\nSubject: hello\n\nHello\n.dots\n'

test('a message from MAIL FROM to IDLE', async () => {
  const world = new World()
  const system = await world.start({
    hostname: 'mx.a.example',
    address: '10.0.0.1',
    domains: ['a.example'],
    users: ['alice@a.example'],
  })
  const imap = await world.imap(system, 'alice@a.example', 'INBOX')
  const told: string[] = []
  imap.onData = ({ name, number }) => void told.push(`${number} ${name}`)
  const done = await world.clock.until(imap.idle())
  assert.deepEqual(await world.send(system, 'smith@bar.example', ['Alice+tag@a.example'], text), [250])
  await world.clock.pass(1000)
  assert.deepEqual(told, ['1 EXISTS', '1 RECENT'])
  await world.clock.until(done())
  const [message] = await world.clock.until(imap.fetch('1', '(UID FLAGS BODY.PEEK[])'))
  const bytes = Buffer.from(message!.items.get('BODY[]') as Uint8Array).toString()
  assert.match(
    bytes,
    /^Return-Path: <smith@bar\.example>\r\nDelivered-To: Alice\+tag@a\.example\r\nReceived: from client\.example \(\[198\.51\.100\.7\]\) by/,
  )
  assert.ok(bytes.endsWith(`\r\n${text.replaceAll('\n', '\r\n')}`))
  const id = /\bid\s+(\w+)/.exec(bytes)![1]!
  assert.deepEqual(
    (await system.store.read.ledger(id)).map(({ recipient, outcome }) => `${recipient} ${outcome}`),
    ['Alice+tag@a.example filed'],
  )
  await world.clock.until(imap.logout())
  await world.stop()
  assert.deepEqual(
    world.events.filter((event) => !event.startsWith('info')),
    [],
  )
})

test('aliases, details, a catch-all and one’s own name in an alias', async () => {
  const world = new World()
  const system = await world.start({
    hostname: 'mx.a.example',
    address: '10.0.0.1',
    domains: ['a.example', 'b.example'],
    mailboxes: ['alice@a.example', 'bob@a.example', 'carol@b.example'],
  })
  await system.store.commit([
    { kind: 'aliasSet', address: 'all@a.example', targets: ['alice@a.example', 'bob@a.example', 'bob+x@a.example'] },
    { kind: 'aliasSet', address: '@b.example', targets: ['carol@b.example'] },
    { kind: 'aliasSet', address: 'bob@a.example', targets: ['bob@a.example', 'alice@a.example'] },
  ])
  const send = (...recipients: string[]): Promise<number[]> => world.send(system, 'smith@bar.example', recipients, text)
  const counts = async (): Promise<number[]> =>
    Promise.all(
      ['alice@a.example', 'bob@a.example', 'carol@b.example'].map(
        async (user) => (await messagesIn(system, user)).length,
      ),
    )
  assert.deepEqual(await send('all@a.example'), [250])
  assert.deepEqual(await counts(), [1, 1, 0])
  assert.deepEqual(
    await send('whoever@b.example', 'nobody@a.example', 'bob@a.example', 'alice@a.example'),
    [250, 550, 250, 250],
  )
  assert.deepEqual(await counts(), [2, 2, 1])
  await world.stop()
})

test('a full mailbox: not now at RCPT; found out at the end of data, a notice for that one', async () => {
  const world = new World()
  const system = await world.start({
    hostname: 'mx.a.example',
    address: '10.0.0.1',
    domains: ['a.example'],
    mailboxes: ['alice@a.example', 'bob@a.example', 'smith@a.example'],
  })
  const quota = (quotaBytes: number) => system.store.commit([{ kind: 'accountSet', name: 'bob@a.example', quotaBytes }])
  await quota(600)
  const send = (recipients: string[], body = text): Promise<number[]> =>
    world.send(system, 'smith@a.example', recipients, body)
  assert.deepEqual(await send(['alice@a.example', 'bob@a.example'], `${text}${'x'.repeat(600)}\n`), [250, 250])
  assert.equal((await messagesIn(system, 'alice@a.example')).length, 1)
  assert.equal((await messagesIn(system, 'bob@a.example')).length, 0)
  const [notice] = await messagesIn(system, 'smith@a.example')
  assert.match(notice!, /Final-Recipient: rfc822; bob@a\.example\r\nAction: failed\r\nStatus: 4\.2\.2/)
  // Whatever stands before the message counts too: one who is full by that alone must not stop the others.
  for (let room = 250; room < 600; room += 10) {
    await quota(room)
    assert.deepEqual(await send(['alice@a.example', 'bob@a.example']), [250, 250])
    if ((await messagesIn(system, 'bob@a.example')).length > 0) break
  }
  assert.equal((await messagesIn(system, 'bob@a.example')).length, 1)
  await quota(1)
  assert.deepEqual(await send(['bob@a.example', 'alice@a.example']), [452, 250])
  await world.stop()
})

test('who was taken at RCPT and refused at the end of data is in the ledger, also when nobody can be told', async () => {
  const world = new World()
  const system = await world.start({
    hostname: 'mx.a.example',
    address: '10.0.0.1',
    domains: ['a.example'],
    mailboxes: ['alice@a.example', 'bob@a.example', 'smith@a.example'],
  })
  await system.store.commit([{ kind: 'accountSet', name: 'bob@a.example', quotaBytes: 600 }])
  for (const from of ['', 'smith@a.example']) {
    const long = `${text}${'x'.repeat(600)}\n`
    assert.deepEqual(await world.send(system, from, ['alice@a.example', 'bob@a.example'], long), [250, 250])
    const [, id] = /\bid\s+(\w+)/.exec((await messagesIn(system, 'alice@a.example')).at(-1)!)!
    assert.deepEqual(
      (await system.store.read.ledger(id!)).map(
        ({ recipient, outcome, detail }) => `${recipient} ${outcome} ${detail}`,
      ),
      [`alice@a.example filed INBOX ${from === '' ? 1 : 2}`, 'bob@a.example bounced 452 4.2.2 Mailbox is full'],
    )
  }
  assert.equal((await messagesIn(system, 'smith@a.example')).length, 1)
  await world.stop()
})

test('no open relay, whatever the listener', async () => {
  const world = new World()
  const site = { hostname: 'mx.a.example', address: '10.0.0.1', domains: ['a.example'], users: ['alice@a.example'] }
  const system = await world.start(site)
  const envelope = {
    reversePath: 'alice@a.example',
    recipients: ['pat@elsewhere.example', '@a.example:pat@elsewhere.example', 'pat%elsewhere.example@a.example'],
    body: '7bit' as const,
    smtpUtf8: false,
  }
  for (const [port, codes] of [
    [25, [550, 550, 550]],
    [24, [550, 550, 550]],
  ] as const) {
    const client = await world.connect(system, port, 'client.example', port === 24)
    const { recipients } = await world.clock.until(client.send(envelope, bytesOfText(text)))
    assert.deepEqual(
      recipients.map(({ code }) => code),
      codes,
    )
    await world.clock.until(client.quit())
  }
  const client = await world.connect(system, 587)
  await assert.rejects(world.clock.until(client.send(envelope, bytesOfText(text))), /530 5\.7\.0/)
  await assert.rejects(world.clock.until(client.authenticate('alice@a.example', password)), /no way to sign in/)
  await world.clock.until(client.startTls({ serverName: 'mx.a.example', verify: 'none' }))
  await assert.rejects(world.clock.outside(client.authenticate('alice@a.example', 'wrong')), /535 5\.7\.8/)
  await assert.rejects(world.clock.until(client.send(envelope, bytesOfText(text))), /530 5\.7\.0/)
  assert.equal((await system.store.read.queue(0, 10)).length, 0)
  await world.stop()
})

test('submission: one’s own addresses only, Date and Message-ID added, and so it leaves', async () => {
  const world = new World()
  const a = { hostname: 'mx.a.example', address: '10.0.0.1', domains: ['a.example'], users: ['alice@a.example'] }
  const b = { hostname: 'mx.b.example', address: '10.0.0.2', domains: ['b.example'], mailboxes: ['bob@b.example'] }
  const [home, away] = [await world.start(a), await world.start(b)]
  const client = await world.connect(home, 587)
  await world.clock.until(client.startTls({ serverName: 'mx.a.example', verify: 'none' }))
  await world.clock.outside(client.authenticate('alice@a.example', password))
  const send = async (reversePath: string, body: string): Promise<number> => {
    const envelope = { reversePath, recipients: ['bob@b.example'], body: '7bit' as const, smtpUtf8: false }
    return (await world.clock.until(client.send(envelope, bytesOfText(body)))).recipients[0]!.code
  }
  await assert.rejects(send('bob@b.example', 'From: alice@a.example\n\n'), /550 5\.7\.1/)
  assert.equal(await send('alice@a.example', 'From: bob@b.example\n\n'), 550)
  assert.equal(await send('alice@a.example', 'From: alice@a.example, bob@b.example\n\n'), 550)
  assert.equal(await send('alice+x@a.example', 'From: Alice <ALICE@a.example>\nSubject: mine\n\nyes\n'), 250)
  await world.clock.pass(10_000)
  const [message, ...more] = await messagesIn(away, 'bob@b.example')
  assert.equal(more.length, 0)
  assert.match(message!, /by mx\.a\.example with ESMTPSA/)
  assert.match(message!, /\r\nDate: Mon, 15 Jan 2024 [^\r]*\r\nMessage-ID: <[^@]+@mx\.a\.example>\r\nFrom: Alice/)
  await world.stop()
})

test('more recipients than are filed at once: each has it once, the rest a moment later', async () => {
  const world = new World()
  const mailboxes = Array.from({ length: 25 }, (_, i) => `user${i}@a.example`)
  const site = { hostname: 'mx.a.example', address: '10.0.0.1', domains: ['a.example'], mailboxes }
  const system = await world.start({ ...site, transfer: { fileNowMax: 5 } })
  await system.store.commit([
    { kind: 'aliasSet', address: 'all@a.example', targets: mailboxes },
    // An account behind the alias that is an alias as well.
    { kind: 'aliasSet', address: 'user20@a.example', targets: ['user20@a.example', 'user0@a.example'] },
  ])
  assert.deepEqual(
    await world.send(system, 'smith@bar.example', ['all@a.example', 'user7@a.example'], text),
    [250, 250],
  )
  await world.clock.pass(60_000)
  for (const user of mailboxes) {
    const messages = await messagesIn(system, user)
    assert.equal(messages.length, 1, user)
    // The address that was written to, whether it was filed at once or from the queue.
    const wrote = user === 'user7@a.example' ? '(?:all|user7)' : 'all'
    assert.match(
      messages[0]!,
      new RegExp(`^Return-Path: <smith@bar\\.example>\r\nDelivered-To: ${wrote}@a\\.example\r\nReceived: `),
    )
    assert.ok(messages[0]!.endsWith(`\r\n${text.replaceAll('\n', '\r\n')}`))
  }
  assert.equal((await system.store.read.queue(0, 10)).length, 0)
  await world.stop()
})

test('no relay at LMTP, not even from a trusted network, whose hosts relay at 25 and 587', async () => {
  const world = new World()
  const config = { trustedNetworks: [parseIpNetwork('198.51.100.0/24')!] }
  const a = await world.start({
    hostname: 'mx.a.example',
    address: '10.0.0.1',
    domains: ['a.example'],
    mailboxes: ['alice@a.example'],
    config,
  })
  const recipients = ['pat@elsewhere.example', 'alice@a.example']
  const envelope = { reversePath: 'alice@a.example', recipients, body: '7bit' as const, smtpUtf8: false }
  for (const [port, codes] of [
    [24, [550, 250]],
    [25, [250, 250]],
    [587, [250, 250]],
  ] as const) {
    const client = await world.connect(a, port, 'client.example', port === 24)
    const sent = await world.clock.until(client.send(envelope, bytesOfText(text)))
    assert.deepEqual(
      sent.recipients.map(({ code }) => code),
      codes,
      String(port),
    )
    await world.clock.until(client.quit())
    if (port === 24) assert.equal((await a.store.read.queue(0, 10)).length, 0)
  }
  await world.stop()
})

test("mail for an address literal of the host's own is for its first domain; others' literals are relaying", async () => {
  const world = new World()
  const system = await world.start({
    hostname: 'mx.a.example',
    address: '10.0.0.1',
    domains: ['a.example', 'b.example'],
    mailboxes: ['postmaster@a.example', 'alice@a.example'],
  })
  const send = (...recipients: string[]): Promise<number[]> => world.send(system, 'smith@bar.example', recipients, text)
  const own = ['postmaster@[10.0.0.1]', 'Alice+x@[10.0.0.1]', 'alice@[IPv6:::ffff:10.0.0.1]', 'nobody@[10.0.0.1]']
  assert.deepEqual(await send(...own), [250, 250, 250, 550])
  const others = ['alice@[10.0.0.2]', 'postmaster@[127.0.0.1]', 'alice@[IPv6:::1]', 'alice@[IPv6:2001:db8::1]']
  assert.deepEqual(await send(...others), [550, 550, 550, 550])
  assert.equal((await messagesIn(system, 'postmaster@a.example')).length, 1)
  assert.match((await messagesIn(system, 'alice@a.example'))[0]!, /^Delivered-To: Alice\+x@a\.example\r$/m)
  await world.stop()
})
