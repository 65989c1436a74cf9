import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressesMax, mailboxesOf, parseAddressList } from './address-list.ts'

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

test('groups, routes and obsolete dots are read', () => {
  assert.deepEqual(read('undisclosed-recipients:;'), ['undisclosed-recipients:;'])
  assert.deepEqual(read('A: b@c.d, "e f"@g.h;, <@x.y,@z.w:john . doe@a . b>'), [
    'A:b@c.d,e f@g.h;',
    '|@x.y,@z.w|john.doe|a.b',
  ])
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
