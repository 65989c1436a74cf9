import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Header } from './header.ts'
import { formatField, formatMessageId, formatReceived, formatReturnPath } from './header-format.ts'

test('a Received field tells the hop, and folds', () => {
  assert.equal(
    formatReceived({
      helo: 'client.example.org',
      clientAddress: '2001:db8::1',
      clientName: 'mail.example.org',
      by: 'mx.example.net',
      protocol: 'ESMTPS',
      tls: 'TLSv1.3 TLS_AES_256_GCM_SHA384',
      id: 'abc123',
      recipient: { localPart: 'jo', domain: 'example.net' },
      atMs: 0,
    }),
    'Received: from client.example.org (mail.example.org [IPv6:2001:db8::1]) by\r\n mx.example.net with ESMTPS' +
      ' tls TLSv1.3/TLS_AES_256_GCM_SHA384 id abc123 for\r\n <jo@example.net>; Thu, 1 Jan 1970 00:00:00 +0000\r\n',
  )
})

test('a greeting cannot leave its place', () => {
  const line = formatReceived({
    helo: 'x) by evil; (\r\nX: y',
    clientAddress: '192.0.2.1',
    by: 'mx',
    protocol: 'SMTP',
    id: '1',
    atMs: 0,
  })
  assert.match(line, /^Received: from x\?\?by\?evil\?\?\?\?\?X:\?y \(\[192\.0\.2\.1\]\) by mx with SMTP/)
  assert.equal(new Header(line).fields.length, 1)
})

test('line ends and NUL are refused', () => {
  for (const value of ['a\r\nb', 'a\nb', 'a\rb', 'a\0']) assert.throws(() => formatField('Subject', value), TypeError)
  for (const name of ['', 'a b', 'a:', 'ä', 'a\n']) assert.throws(() => formatField(name, 'x'), TypeError)
  assert.throws(() => formatMessageId('a>\r\n', 'example.org'), TypeError)
})

test('reading gives back what was written, with folds as white space', () => {
  assert.equal(formatReturnPath(null), 'Return-Path: <>\r\n')
  assert.equal(formatMessageId('abc', 'example.org'), 'Message-ID: <abc@example.org>\r\n')
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', ' ', 'long-word-of-some-length', ':'), maxLength: 60 }),
      (value) => {
        const header = new Header(formatField('X', value))
        assert.equal(header.fields.length, 1)
        assert.equal(header.valueOf('x')!, value.trim())
      },
    ),
  )
})
