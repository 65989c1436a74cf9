import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatMailbox, parseMailbox } from '../../mail/address.ts'
import { parseHeader } from '../../mail/header.ts'
import { headerEdits } from './header.ts'
import { rewriteDefaults, type RewriteOptions } from './options.ts'
import { Rewriter } from './rewriter.ts'

function rewriter(options: Partial<RewriteOptions>): Rewriter {
  return new Rewriter({ now: { ...rewriteDefaults, ...options } }, () => '+')
}

function senders(options: Partial<RewriteOptions>, ...addresses: string[]): string[] {
  const one = rewriter(options)
  return addresses.map((address) => formatMailbox(one.sender(parseMailbox(address)!)!))
}

test('addresses, then the domain; details are kept; no result is looked up again', () => {
  const senderCanonical = new Map([
    ['a@lan.example', 'anna@example.org'],
    ['@lan.example', '@example.org'],
    ['all@x.example', '@y.example'],
    ['@example.org', '@elsewhere.example'],
  ])
  assert.deepEqual(
    senders({ senderCanonical }, 'A@lan.example', 'a+x@lan.example', 'b@lan.example', 'all@x.example', 'c@z.example'),
    ['anna@example.org', 'anna+x@example.org', 'b@example.org', 'all@y.example', 'c@z.example'],
  )
})

test('an address with a detail and no entry follows its domain, or is kept', () => {
  const senderCanonical = new Map([
    ['@lan.example', '@example.org'],
    ['a@x.example', 'anna@example.org'],
  ])
  assert.deepEqual(senders({ senderCanonical }, 'b+x@lan.example', 'b+x@x.example', '+x@x.example', 'a+@x.example'), [
    'b+x@example.org',
    'b+x@x.example',
    '+x@x.example',
    'anna+@example.org',
  ])
})

test('the map of a side comes before the common one', () => {
  const one = rewriter({
    senderCanonical: new Map([['a@a.example', 'b@a.example']]),
    recipientCanonical: new Map([['a@a.example', 'r@a.example']]),
    canonical: new Map([
      ['a@a.example', 'never@a.example'],
      ['b@a.example', 'c@a.example'],
    ]),
  })
  const a = parseMailbox('a@a.example')!
  assert.equal(formatMailbox(one.sender(a)!), 'c@a.example')
  assert.equal(formatMailbox(one.recipient(a)), 'r@a.example')
  assert.equal(one.sender(null), null)
})

test('hosts are hidden, except for users and domains that are named', () => {
  const options = {
    masqueradeDomains: ['example.org'],
    masqueradeExceptUsers: ['root'],
    masqueradeExceptDomains: ['lab.example.org'],
  }
  assert.deepEqual(
    senders(
      options,
      'u@host.example.org',
      'u@a.b.example.org',
      'u@example.org',
      'Root@host.example.org',
      'u@lab.example.org',
      'u@x.lab.example.org',
      'u@notexample.org',
    ),
    [
      'u@example.org',
      'u@example.org',
      'u@example.org',
      'Root@host.example.org',
      'u@lab.example.org',
      'u@x.lab.example.org',
      'u@notexample.org',
    ],
  )
  // The destination is not masqueraded.
  assert.equal(formatMailbox(rewriter(options).recipient(parseMailbox('u@host.example.org')!)), 'u@host.example.org')
})

test('copies: each once, and none to recipients of the message', () => {
  const one = rewriter({
    alwaysBcc: ['archive@a.example', 'bob@b.example'],
    senderBcc: new Map([['@a.example', 'Archive@a.example']]),
    recipientBcc: new Map([['bob@b.example', 'deputy@b.example']]),
  })
  const copies = one.copies(parseMailbox('x@a.example')!, [
    parseMailbox('BOB+x@b.example')!,
    parseMailbox('bob@b.example')!,
  ])
  assert.deepEqual(copies.map(formatMailbox), ['archive@a.example', 'deputy+x@b.example', 'deputy@b.example'])
  assert.deepEqual(rewriter({}).copies(null, []), [])
})

const header = [
  'Received: from a@lan.example',
  'From: "A, B" <a@LAN.example>',
  'Sender: a@lan.example (comment)',
  'To: x@y.example,',
  '\tgroup: b@lan.example, =?utf-8?q?c=C3=A9?= <c@z.example>;',
  'Cc: x@y.example (  untouched )',
  'Subject: a@lan.example',
  '',
  '',
].join('\r\n')

test('address fields of a header change, and only where something does', () => {
  const parsed = parseHeader(Buffer.from(header))
  const changes = headerEdits(parsed, rewriter({ canonical: new Map([['@lan.example', '@example.org']]) }))
  assert.deepEqual(
    changes.map(({ start, end, text }) => [header.slice(start, end).split(':')[0], text]),
    [
      ['From', 'From: "A, B" <a@example.org>\r\n'],
      ['Sender', 'Sender: comment <a@example.org>\r\n'],
      ['To', 'To: x@y.example, group: b@example.org, =?utf-8?q?c=C3=A9?= <c@z.example>;\r\n'],
    ],
  )
  assert.deepEqual(headerEdits(parsed, rewriter({ alwaysBcc: ['x@y.example'] })), [])
})

test('senders and recipients in a header have maps of their own; UTF-8 stays UTF-8', () => {
  const text = 'From: josé@lan.example\r\nTo: josé@lan.example\r\n\r\n'
  const parsed = parseHeader(Buffer.from(text))
  const [change, ...more] = headerEdits(
    parsed,
    rewriter({ senderCanonical: new Map([['josé@lan.example', 'ñ@b.example']]) }),
  )
  assert.equal(more.length, 0)
  assert.equal(Buffer.from(change!.text!, 'latin1').toString(), 'From: ñ@b.example\r\n')
})
