import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDomainText, formatMailbox, needsSmtpUtf8, parseMailbox } from './address.ts'

test('the domain is lower case and an A-label, the local part keeps its spelling', () => {
  assert.deepEqual(parseMailbox('Jo.Public@EXAMPLE.org'), { localPart: 'Jo.Public', domain: 'example.org' })
  assert.deepEqual(parseMailbox('jo@Bücher.Example'), { localPart: 'jo', domain: 'xn--bcher-kva.example' })
  assert.deepEqual(parseMailbox(Buffer.from('jörg@example.org')), { localPart: 'jörg', domain: 'example.org' })
  assert.equal(formatDomainText('xn--bcher-kva.example'), 'bücher.example')
})

test('a quoted local part is kept without its quotes and gets them back where it needs them', () => {
  assert.deepEqual(parseMailbox('"a b\\"c"@example.org'), { localPart: 'a b"c', domain: 'example.org' })
  assert.equal(formatMailbox({ localPart: 'a b"c', domain: 'example.org' }), '"a b\\"c"@example.org')
  assert.equal(formatMailbox(parseMailbox('"plain"@example.org')!), 'plain@example.org')
  assert.equal(formatMailbox({ localPart: 'a..b', domain: 'example.org' }), '"a..b"@example.org')
})

test('address literals are IPv4 or tagged IPv6', () => {
  assert.equal(parseMailbox('jo@[192.0.2.1]')?.domain, '[192.0.2.1]')
  assert.equal(parseMailbox('jo@[ipv6:2001:DB8::1]')?.domain, '[IPv6:2001:db8::1]')
  assert.equal(parseMailbox('jo@[IPv6:::ffff:192.0.2.1]')?.domain, '[IPv6:::ffff:192.0.2.1]')
  for (const literal of [
    '192.0.2.256',
    '192.0.2',
    'IPv6:1::2::3',
    'IPv6:fe80::1%lo',
    'IPv6:12345::',
    'tag:text',
    'IPv6:',
  ])
    assert.equal(parseMailbox(`jo@[${literal}]`), undefined, literal)
})

test('what would break a line or a path is refused', () => {
  const bad = [
    '',
    'jo',
    '@example.org',
    'jo@',
    'jo@example.org>',
    'a\r\nb@example.org',
    '"a\nb"@example.org',
    'jo@exa mple.org',
  ]
  for (const text of [
    ...bad,
    'jo@-a.org',
    'jo@example.org..',
    'jo@.example.org',
    'jo@.',
    'a..b@',
    `jo@${'a'.repeat(64)}.org`,
    `${'a'.repeat(256)}@a.org`,
  ])
    assert.equal(parseMailbox(text), undefined, JSON.stringify(text))
  assert.equal(parseMailbox(Buffer.from([0x61, 0xff, 0x40, 0x61])), undefined)
})

test('what is in use against the grammar is taken, where nothing else can be meant', () => {
  for (const [text, localPart, domain, written] of [
    ['a..b@example.org', 'a..b', 'example.org', '"a..b"@example.org'],
    ['.a@example.org', '.a', 'example.org', '".a"@example.org'],
    ['a.@example.org', 'a.', 'example.org', '"a."@example.org'],
    ['jo@a_b.example.org', 'jo', 'a_b.example.org', 'jo@a_b.example.org'],
    ['jo@_spf.example.org', 'jo', '_spf.example.org', 'jo@_spf.example.org'],
    ['jo@Example.org.', 'jo', 'example.org', 'jo@example.org'],
    ['jo@bücher.example.', 'jo', 'xn--bcher-kva.example', 'jo@xn--bcher-kva.example'],
  ] as const) {
    assert.deepEqual(parseMailbox(text), { localPart, domain }, text)
    assert.equal(formatMailbox({ localPart, domain }), written)
    assert.deepEqual(parseMailbox(written), { localPart, domain })
  }
})

test('SMTPUTF8 is needed for the local part alone', () => {
  assert.equal(needsSmtpUtf8(parseMailbox('jörg@example.org')!), true)
  assert.equal(needsSmtpUtf8(parseMailbox('jo@bücher.example')!), false)
})

test('parse after format changes nothing, whatever the text', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.emailAddress(),
        fc.string().map((text) => `"${text}"@a.b`),
      ),
      (text) => {
        const mailbox = parseMailbox(text)
        if (mailbox !== undefined) assert.deepEqual(parseMailbox(formatMailbox(mailbox)), mailbox)
      },
    ),
  )
})
