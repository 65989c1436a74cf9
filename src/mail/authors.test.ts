import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import fc from 'fast-check'
import PostalMime from 'postal-mime'
import { mailboxesOf, parseAddressList } from './address-list.ts'
import { isAddressListSyntax } from './address-syntax.ts'
import { authorsOf, decodeAddressMailbox, type Authors } from './authors.ts'
import { parseHeader } from './header.ts'
import { formatEnvelope } from './imap/envelope.ts'

const addressparser = createRequire(import.meta.url)('nodemailer/lib/addressparser') as (
  text: string,
  options: { flatten: true },
) => { address: string }[]

const headerOf = (...froms: string[]) => parseHeader(Buffer.from(froms.map((one) => `From: ${one}\r\n`).join('')))
const authors = (...froms: string[]): Authors => authorsOf(headerOf(...froms), 'from')
const domains = (...froms: string[]): string[] =>
  [...new Set(authors(...froms).mailboxes.map(({ domain }) => domain))].sort()

test('what RFC 5322 has is certain, UTF-8 and what of the obsolete forms is read alike included', () => {
  for (const good of [
    'a@b.test',
    'Anna <a@b.test>',
    '"A, B" <a@b.test>',
    '"ceo@bank.test" <a@b.test>',
    'John Q. Public <j@b.test>',
    '<a@b.test>',
    'a@b.test (comment (nested))',
    'a@b.test, c@d.test',
    ',a@b.test,,',
    'g: a@b.test, c@d.test;, e@f.test',
    '"quoted local"@b.test',
    'a."b".c@d.test',
    'a@[192.0.2.1]',
    'Jos\xc3\xa9 <jos\xc3\xa9@b\xc3\xa4nk.test>',
    '=?utf-8?q?a?= <a@b.test>',
  ])
    assert.ok(isAddressListSyntax(good), good)
  for (const bad of [
    '',
    ',',
    'ceo',
    'a @ b . test',
    'a@b.test.\tc',
    '<@x.test,@y.test:a@b.test>',
    '"ceo@bank.test"',
    '=?utf-8?q?ceo=40bank=2Etest?=',
    '<a@b.test> <c@d.test>',
    'a@b.test c@d.test',
    'a@b.test <c@d.test>',
    '<a@b.test',
    'a@b.test>',
    'a@b.test\\',
    'a@b@c.test',
    'g: a@b.test',
    'g: h: a@b.test;;',
    '<>',
    'a@',
    '@b.test',
    'a..b@c.test',
    'a@b..test',
    '(a@b.test',
    'a\0@b.test',
    'a@b\xe4nk.test',
    '"a@b.test',
    'x@[<a@b.test>]',
    '"<a@b.test>"@c.test',
    // An empty place whose comment looks like an address.
    '(ceo@bank.test),x@a',
    'x@a, (ceo@bank.test)',
    'x@a, (ceo@bank.test), y@a',
    'g: (ceo@bank.test);, x@a',
    'g: x@a, (ceo@bank.test);',
  ])
    assert.ok(!isAddressListSyntax(bad), bad)
})

test('where From is not certain, every domain that a program may show is known', () => {
  for (const [shown, ...froms] of [
    ['bank.test evil.test', 'ceo@bank.test', 'x@evil.test'],
    ['bank.test', '"ceo@bank.test"'],
    ['bank.test', '=?utf-8?q?ceo=40bank=2Etest?='],
    ['bank.test', 'ceo@bank.test\\'],
    ['bank.test evil.test', '<ceo@bank.test> <x@evil.test>'],
    ['bank.test evil.test', 'x@evil.test ceo@bank.test'],
    ['bank.test', '(ceo@bank.test) x'],
    ['bank.test evil.test', 'ceo@bank . test <x@evil.test'],
    ['bank.test', 'ceo@ba\0nk.test'],
    ['evil.test', 'x@[<x@evil.test>]'],
    // A backslash that ends no comment for some.
    ['bank.test', 'ceo@(\\)bank.test'],
  ])
    for (const domain of shown!.split(' '))
      assert.ok(domains(...froms).includes(domain), `${froms.join(' | ')}: ${domains(...froms).join(' ')}`)
  assert.deepEqual(domains('Mailer'), [])
})

test('UTF-8 is decoded, and domains are A-labels', () => {
  assert.deepEqual(authors('ceo@b\u00e4nk.test').mailboxes, [{ localPart: 'ceo', domain: 'xn--bnk-qla.test' }])
  assert.deepEqual(domains('ceo@\uff42ank.test'), ['bank.test'])
  assert.deepEqual(authors('jos\u00e9@A.test').mailboxes, [{ localPart: 'josé', domain: 'a.test' }])
})

test('a list without an end is told of', () => {
  assert.equal(authors('x@a.test '.repeat(201)).countless, true)
  assert.equal(authors('x@a.test, '.repeat(201)).countless, false)
  assert.equal(authors('bob').incomplete, true)
})

// Pieces that addresses, and what is mistaken for them, are made of.
const piece = fc.constantFrom(
  'a',
  'b.test',
  '[mailto:',
  ']',
  'c.test',
  '@',
  '<',
  '>',
  '"',
  '(',
  ')',
  ',',
  ';',
  ':',
  ' ',
  '.',
  '\\',
  '[',
  ']',
  '\t',
  'ceo@bank.test',
  '<x@evil.test>',
  '=?utf-8?q?ceo=40bank=2Etest?=',
  'é',
  '\r\n ',
  'x@',
)
const values = fc.array(
  fc.array(piece, { maxLength: 10 }).map((parts) => parts.join('')),
  { minLength: 1, maxLength: 2 },
)

/** Of what is no domain nothing can be looked up. */
const named = (found: readonly string[]): string[] => found.filter((one) => /^[a-z0-9.-]+\.test$/.test(one))

test('what is judged holds all that ENVELOPE shows, and that other programs read', async () => {
  await fc.assert(
    fc.asyncProperty(values, async (froms) => {
      const header = headerOf(...froms)
      const judged = new Set(authorsOf(header, 'from').mailboxes.map(({ domain }) => domain))
      const shown = header.all('from').flatMap((field) => mailboxesOf(parseAddressList(header.value(field))))
      const mail = await PostalMime.parse(`${froms.map((one) => `From: ${one}\r\n`).join('')}\r\n`)
      const read = [mail.from?.address, ...(mail.from?.group ?? []).map(({ address }) => address)]
      const others = header.all('from').flatMap((field) => addressparser(header.value(field), { flatten: true }))
      const all = [
        ...shown.map((one) => decodeAddressMailbox(one).domain),
        ...[...read, ...others.map(({ address }) => address)].map(
          (address) => /[^@]@(.*)$/s.exec(address ?? '')?.[1] ?? '',
        ),
      ]
      for (const domain of named(all)) assert.ok(judged.has(domain), `${JSON.stringify(froms)} shows ${domain}`)
      for (const [, domain] of formatEnvelope(header).matchAll(/" "([^"]*\.test)"\)/g))
        assert.ok(
          named([domain!]).length === 0 || judged.has(domain!),
          `${JSON.stringify(froms)}: ENVELOPE has ${domain}`,
        )
    }),
    { numRuns: 1000 },
  )
})
