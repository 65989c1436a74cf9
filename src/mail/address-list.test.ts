import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  addressesMax,
  formatAddressList,
  mailboxesOf,
  parseAddressList,
  type AddressEntry,
  type AddressMailbox,
} from './address-list.ts'

const read = (text: string): string[] =>
  parseAddressList(text).map((one) =>
    one.kind === 'group'
      ? `${one.name}:${one.members.map((member) => `${member.localPart}@${member.domain}`).join(',')};`
      : `${one.name ?? ''}|${one.route ?? ''}|${one.localPart}|${one.domain}`,
  )

test('names come from phrases, quoted strings and comments', () => {
  assert.deepEqual(read('Jo Q. Public <jo@a.org>, "Doe, John" <john@b.org>, ann@c.org (Ann)'), [
    'Jo Q. Public||jo|a.org',
    'Doe, John||john|b.org',
    'Ann||ann|c.org',
  ])
})

test('quoted pairs and folds in names are undone, in quoted strings and in comments (RFC 5322 §3.2.1, §2.2.3)', () => {
  assert.deepEqual(read('"Ann \\"A\\" Lee" <ann@c.org>, ann@c.org (Ann \\(A\\) Lee), ann@c.org (Ann (A) Lee)'), [
    'Ann "A" Lee||ann|c.org',
    'Ann (A) Lee||ann|c.org',
    'Ann (A) Lee||ann|c.org',
  ])
  assert.deepEqual(read('"Ann\r\n Lee" <ann@c.org>, ann@c.org (Ann\r\n Lee)'), [
    'Ann Lee||ann|c.org',
    'Ann Lee||ann|c.org',
  ])
})

test('groups, routes and obsolete dots are read', () => {
  assert.deepEqual(read('undisclosed-recipients:;'), ['undisclosed-recipients:;'])
  assert.deepEqual(read('A: b@c.d, "e f"@g.h;, <@x.y,@z.w:john . doe@a . b>'), [
    'A:b@c.d,e f@g.h;',
    '|@x.y,@z.w|john.doe|a.b',
  ])
})

test('a domain may be folded, around its dots and behind its @ (RFC 5322 §4.4 obs-domain)', () => {
  for (const fold of ['\r\n ', '\n\t', '\r ', ' '])
    assert.deepEqual(read(`<jo@${fold}a${fold}.${fold}example>, ann@${fold}b.org`), ['||jo|a.example', '||ann|b.org'])
})

test('broken lists give what can be told', () => {
  assert.deepEqual(read('Jo <jo@a.org, ann@b.org'), ['Jo||jo|a.org', '||ann|b.org'])
  assert.deepEqual(read('MAILER-DAEMON <>'), ['MAILER-DAEMON|||'])
  assert.deepEqual(read('jo@a.org; ann@b.org'), ['||jo|a.org', '||ann|b.org'])
  assert.deepEqual(read('jo@a.org <jo@a.org>'), ['jo@a.org||jo|a.org'])
  assert.deepEqual(read(' , <>, '), [])
  assert.deepEqual(read('postmaster'), ['||postmaster|'])
})

test('no text crashes the reader, and a hostile megabyte does not hold it (the time limit of the runner would tell)', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'<>@,;:()[]"\\. ab\n\r') }),
      (text) => void parseAddressList(text),
    ),
  )
  for (const unit of ['(', '<', '"', 'a:', '@', ',', '<@', 'a@b ', '\\', '[', '( ) ', 'a . ']) {
    assert.ok(mailboxesOf(parseAddressList(unit.repeat(1_000_000 / unit.length))).length <= addressesMax)
  }
})

test('of a field of a million addresses so many are kept, in groups as well', () => {
  for (const [unit, head] of [
    ['a@b,', ''],
    ['a@b,', 'all:'],
    ['g:a@b,c@d;', ''],
    ['x:;', ''],
  ] as const) {
    const list = parseAddressList(head + unit.repeat(1_000_000))
    // A group may begin at the bound; none of its members is beyond it.
    assert.ok(list.length <= addressesMax, `${unit} ${list.length}`)
    const { length } = mailboxesOf(list)
    assert.ok(length <= addressesMax && (length > addressesMax / 2 || unit === 'x:;'), `${unit} ${length}`)
  }
})

const word = fc
  .stringMatching(/^[A-Za-z0-9][A-Za-z0-9.,;:<>()@"\\ '\x80-\xff-]{0,12}[A-Za-z0-9]$/)
  .filter((text) => !/ {2}/.test(text))
const mailbox: fc.Arbitrary<AddressMailbox> = fc
  .tuple(fc.option(word), word, fc.stringMatching(/^[a-z0-9]{1,8}\.[a-z]{2,4}$/))
  .map(([name, localPart, domain]) => ({
    kind: 'mailbox',
    name: name ?? undefined,
    route: undefined,
    localPart,
    domain,
  }))
const entry: fc.Arbitrary<AddressEntry> = fc.oneof(
  mailbox,
  fc
    .tuple(word, fc.array(mailbox, { maxLength: 3 }))
    .map(([name, members]) => ({ kind: 'group' as const, name, members })),
)

test('a list is written as it is read', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 5 }), (entries) => {
      const text = formatAddressList(entries)
      assert.deepEqual(parseAddressList(text), entries)
      assert.equal(formatAddressList(parseAddressList(text)), text)
    }),
    { numRuns: 2000 },
  )
})

test('whatever was read stays the same once it was written', () => {
  const text = fc.string({ unit: fc.constantFrom(...'ab@.,;:<>()"\\ \t=?\xe4'), maxLength: 40 })
  fc.assert(
    fc.property(text, (given) => {
      const written = formatAddressList(parseAddressList(given))
      assert.equal(formatAddressList(parseAddressList(written)), written, JSON.stringify(given))
    }),
    { numRuns: 5000 },
  )
})

test('the last opening bracket counts', () => {
  assert.deepEqual(read('Jo <<jo@a.org>>, I <3 mail <ann@b.org>, <<<c@d.org>, Bo <bo<bo@e.org>>'), [
    'Jo||jo|a.org',
    'I||ann|b.org',
    '||c|d.org',
    'Bo||bo|e.org',
  ])
  assert.deepEqual(read('<jo@a.org <ann@b.org>'), ['||jo|a.org', '||ann|b.org'])
})

test('a comma that was forgotten costs no address', () => {
  assert.deepEqual(read('Jo <jo@a.org> Ann Lee <ann@b.org>'), ['Jo||jo|a.org', 'Ann Lee||ann|b.org'])
  assert.deepEqual(read('<jo@a.org><ann@b.org> <c@d.org>'), ['||jo|a.org', '||ann|b.org', '||c|d.org'])
  assert.deepEqual(read('jo@a.org ann@b.org c@d.org'), ['||jo|a.org', '||ann|b.org', '||c|d.org'])
  assert.deepEqual(read('jo@a.org "Lee, Ann" <ann@b.org> c@d.org'), ['||jo|a.org', 'Lee, Ann||ann|b.org', '||c|d.org'])
  assert.deepEqual(read('G: jo@a.org ann@b.org <c@d.org>;'), ['G:jo@a.org,c@d.org;'])
  // A name that looks like an address, and a name behind one, are none.
  assert.deepEqual(read('jo@a.org <jo@b.org>, <c@d.org> Cy, MAILER <>'), [
    'jo@a.org||jo|b.org',
    'Cy||c|d.org',
    'MAILER|||',
  ])
})

test('an address without brackets behind a name', () => {
  assert.deepEqual(read('"Lee, Ann" ann@b.org, Jo Q. Doe jo.doe@a.org, Bo "b o"@c.org'), [
    'Lee, Ann||ann|b.org',
    'Jo Q. Doe||jo.doe|a.org',
    'Bo||b o|c.org',
  ])
  assert.deepEqual(read('jo . doe @ a . org, "jo doe"@a.org, "a"."b"@c.org, Lee "a . b"@d.org, "Lee" a . b@e.org'), [
    '||jo.doe|a.org',
    '||jo doe|a.org',
    '||a.b|c.org',
    'Lee||a . b|d.org',
    'Lee||a.b|e.org',
  ])
})

test('a name keeps its spaces and signs, as it was written', () => {
  assert.deepEqual(read('Mr. X @ Home <x@a.org>, jo@ work <jo@a.org>'), ['Mr. X @ Home||x|a.org', 'jo@ work||jo|a.org'])
})

test('[mailto:…] behind a name is a word of it, and the address where no other stands', () => {
  assert.deepEqual(read('Joe Doe [mailto:joe@a.org] <joe@b.org>'), ['Joe Doe [mailto:joe@a.org]||joe|b.org'])
  assert.deepEqual(read('Joe [mailto:joe@a.org], Ann <ann@c.org>'), ['Joe||joe|a.org', 'Ann||ann|c.org'])
  assert.deepEqual(read('[MAILTO:joe@a.org]'), ['||joe|a.org'])
  assert.deepEqual(read('Joe [mailto:joe@a.org] x@b.org'), ['Joe [mailto:joe@a.org]||x|b.org'])
  assert.deepEqual(read('g: Joe [mailto:joe@a.org], b@c.org;'), ['g:joe@a.org,b@c.org;'])
  // Anything else is read as before: a colon begins a group.
  assert.equal(parseAddressList('Joe [mailto:joe')[0]!.kind, 'group')
})
