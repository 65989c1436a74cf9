/** Who a message says wrote it: what no check could see is refused; what several programs read differently is judged by all of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authenticityDefaults } from '../../src/checks/authenticity.ts'
import type { SmtpClient } from '../../src/protocol/smtp/client.ts'
import { makeDkimKeys } from '../../src/delivery/signing.ts'
import type { System } from '../../src/system/types.ts'
import { bytesOfText, messagesIn, password, World, type NextHop } from './world.ts'

const home: NextHop = {
  hostname: 'mx.a.example',
  address: '10.0.0.1',
  domains: ['a.example'],
  mailboxes: ['carol@a.example'],
  users: ['alice@a.example'],
  config: { authenticity: authenticityDefaults },
}

async function start(): Promise<{ world: World; a: System }> {
  const world = new World()
  const a = await world.start(home)
  world.zone.names.set('bank.example', { txt: ['v=spf1 -all'] })
  world.zone.names.set('_dmarc.bank.example', { txt: ['v=DMARC1; p=reject'] })
  world.zone.names.set('xn--bnk-qla.example', { txt: ['v=spf1 -all'] })
  world.zone.names.set('_dmarc.xn--bnk-qla.example', { txt: ['v=DMARC1; p=reject'] })
  world.zone.names.set('evil.example', { txt: ['v=spf1 ip4:198.51.100.7 -all'] })
  world.zone.names.set('_dmarc.evil.example', { txt: ['v=DMARC1; p=none'] })
  return { world, a }
}

const letter = (header: string): string => `${header}\nTo: carol@a.example\nSubject: hello\n\nHello\n`

test('a domain that asks for proof is not named by a From that cannot be proved', async () => {
  const { world, a } = await start()
  for (const [code, header] of [
    [550, 'From: ceo@bank.example\nFrom: x@evil.example'],
    [550, 'From: x@evil.example\nFrom: ceo@bank.example'],
    [550, 'From: x@evil.example, ceo@bank.example'],
    [550, 'From: g: x@evil.example;, ceo@bank.example'],
    [550, 'From: "ceo@bank.example"'],
    [550, 'From: =?utf-8?q?ceo=40bank=2Eexample?='],
    [550, 'From: ceo@bank.example\\'],
    [550, 'From: <ceo@bank.example> <x@evil.example>'],
    [550, 'From: x@evil.example ceo@bank.example'],
    [550, 'From: ceo@bänk.example'],
    [550, 'From: ceo@ｂank.example'],
    [250, 'From: x@evil.example, y@evil.example'],
    [250, 'From: "ceo@bank.example" <x@evil.example>'],
    [250, 'From: x@evil.example y@evil.example'],
    [250, 'From: Mailer'],
    [250, 'From:'],
    [250, 'Reply-To: ceo@bank.example'],
  ] as const)
    assert.deepEqual(await world.send(a, 'x@evil.example', ['carol@a.example'], letter(header)), [code], header)
  await world.stop()
})

test('what stands behind the limits of the header is not taken', async () => {
  const { world, a } = await start()
  const refused = async (header: string, what: string): Promise<void> =>
    assert.deepEqual(await world.send(a, 'x@evil.example', ['carol@a.example'], letter(header)), [552], what)
  await refused(`${'X: y\n'.repeat(5001)}From: ceo@bank.example`, 'fields')
  await refused(`${`X: ${'y'.repeat(990)}\n`.repeat(1100)}From: ceo@bank.example`, 'bytes')
  await refused(`From: x@evil.example\nCc: ${'a@b.example,\n '.repeat(10_001)}c@b.example`, 'addresses of one field')
  await refused(
    `From: x@evil.example\n${`Cc: ${'a@b.c,\n '.repeat(2600)}c@b.example\n`.repeat(4)}X: y`,
    'addresses of several',
  )
  assert.deepEqual(
    await world.send(a, 'x@evil.example', ['carol@a.example'], letter(`${'X: y\n'.repeat(4900)}From: x@evil.example`)),
    [250],
  )
  await world.stop()
})

async function submission(world: World, a: System): Promise<(header: string, text?: string) => Promise<number>> {
  let client: SmtpClient | undefined
  return async (header, text = letter(header)) => {
    client = await world.connect(a, 587)
    await world.clock.until(client.startTls({ serverName: 'mx.a.example', verify: 'none' }))
    await world.clock.outside(client.authenticate('alice@a.example', password))
    const envelope = {
      reversePath: 'alice@a.example',
      recipients: ['carol@a.example'],
      body: '7bit' as const,
      smtpUtf8: false,
    }
    // Signatures are made by threads, in real time.
    const { recipients } = await world.clock.outside(client.send(envelope, bytesOfText(text)))
    await world.clock.until(client.quit())
    return recipients[0]!.code
  }
}

test('who submits a message may name nobody else as its author or sender', async () => {
  const { world, a } = await start()
  const send = await submission(world, a)
  for (const [code, header] of [
    [250, 'From: Alice <alice@a.example>'],
    [250, 'From: "carol@a.example" <alice@a.example>'],
    [550, 'From: <carol@a.example> <alice@a.example>'],
    [550, 'From: alice@a.example carol@a.example'],
    [550, 'From: alice@a.example\nFrom: carol@a.example'],
    [550, 'From: alice@a.example\nSender: carol@a.example'],
    [550, 'From: alice@a.example\nResent-From: carol@a.example'],
    [550, 'From: alice@a.example\nResent-Sender: carol@a.example'],
    [250, 'From: alice@a.example\nSender: alice@a.example'],
    [552, `${'X: y\n'.repeat(5001)}From: carol@a.example`],
  ] as const)
    assert.equal(await send(header), code, header.slice(-60))
  await world.stop()
})

test('a first line that begins with white space begins the body', async () => {
  const { world, a } = await start()
  const send = await submission(world, a)
  assert.equal(await send('', ' From: carol@a.example\nSubject: x\n\ntext\n'), 250)
  const [message = ''] = await messagesIn(a, 'carol@a.example')
  const header = message.slice(0, message.indexOf('\r\n\r\n'))
  assert.doesNotMatch(header, /carol@a\.example\r\nSubject|From: carol/)
  assert.match(message, /\r\n\r\n From: carol@a\.example\r\nSubject: x\r\n\r\ntext\r\n$/)
  assert.deepEqual(
    await world.send(a, 'x@evil.example', ['carol@a.example'], '\tcontinued\nFrom: ceo@bank.example\n\nx\n'),
    [250],
  )
  const [, second = ''] = await messagesIn(a, 'carol@a.example')
  assert.match(second, /\r\n\r\n\tcontinued\r\nFrom: ceo/)
  await world.stop()
})

test('Bcc, Resent-Bcc and Return-Path of a submission reach no reader', async () => {
  const { world, a } = await start()
  const send = await submission(world, a)
  assert.equal(
    await send(
      'Return-Path: <x@evil.example>\nFrom: alice@a.example\nBcc: secret@b.example,\n more@b.example\nResent-Bcc: third@b.example\nX-Kept: yes',
    ),
    250,
  )
  const [message = ''] = await messagesIn(a, 'carol@a.example')
  assert.doesNotMatch(message, /secret|more@b|third|x@evil/)
  assert.match(message, /^X-Kept: yes\r$/m)
  await world.stop()
})

test('findings that claim to be ours are taken out of everybody’s mail', async () => {
  const { world, a } = await start()
  const send = await submission(world, a)
  assert.equal(
    await send(
      'Authentication-Results: (a (b)) mx.A.example; dmarc=pass\nFrom: alice@a.example\nAuthentication-Results: other.example; spf=pass',
    ),
    250,
  )
  const [message = ''] = await messagesIn(a, 'carol@a.example')
  assert.doesNotMatch(message, /dmarc=pass/)
  assert.match(message, /other\.example; spf=pass/)
  await world.stop()
})

test('a submission without From is given the address that it was sent by, and signed with it', async () => {
  const { world, a } = await start()
  await world.clock.outside(makeDkimKeys(a.store, 'a.example', world.clock.now()))
  const send = await submission(world, a)
  const taken = async (header: string): Promise<string> => {
    const count = (await messagesIn(a, 'carol@a.example')).length
    assert.equal(await send(header), 250)
    return (await messagesIn(a, 'carol@a.example'))[count]!
  }
  const message = await taken('X-Mailer: curl')
  assert.match(message, /^From: alice@a\.example\r$/m)
  assert.match(message, /^DKIM-Signature: [^]*?d=a\.example;[^]*?\bh=From:/im)
  // One that is there stays, and nobody else's is made up for a stranger.
  assert.equal((await taken('From: Alice <alice@a.example>')).match(/^From: /gm)!.length, 1)
  await world.send(a, 'x@evil.example', ['carol@a.example'], 'Subject: hello\n\nHello\n')
  assert.doesNotMatch((await messagesIn(a, 'carol@a.example')).at(-1)!, /^From: /m)
  await world.stop()
})
