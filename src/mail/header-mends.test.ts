import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerMends } from './header-mends.ts'
import { Header } from './header.ts'

function mended(text: string, cut = false): string {
  let result = ''
  let from = 0
  for (const { start, end, text: words } of headerMends(new Header(text), cut)) {
    result += text.slice(from, start) + words
    from = end
  }
  return result + text.slice(from)
}

test('the first line that is no field begins the body', () => {
  for (const [given, wanted] of [
    ['hello\r\nworld\r\n', '\r\nhello\r\nworld\r\n'],
    ['hello', '\r\nhello'],
    [' To: x\r\nSubject: y\r\n', '\r\n To: x\r\nSubject: y\r\n'],
    ['To: x\r\n y\r\n\tz\r\ntext\r\nB: c\r\n', 'To: x\r\n y\r\n\tz\r\n\r\ntext\r\nB: c\r\n'],
    ['To: x\r\n: y\r\n', 'To: x\r\n\r\n: y\r\n'],
    ['To: x\r\nUmläut: y\r\n', 'To: x\r\n\r\nUmläut: y\r\n'],
    ['To: x\r\nlate', 'To: x\r\n\r\nlate'],
    ['To: x\ntext\n', 'To: x\n\r\ntext\n'],
  ])
    assert.equal(mended(given!), wanted)
})

test('a header that can be read stays, and so does what follows its blank line', () => {
  for (const text of [
    '',
    'To: x\r\n',
    'To : x\r\n\r\n',
    'To: x',
    'To: x\r\n\r\ntext\r\n',
    '\r\ntext\r\nFrom a\r\n',
    'From : x\r\nFrom: y\r\n',
  ])
    assert.equal(mended(text), text)
})

test('a separator of an mbox becomes a field, before the first field alone', () => {
  for (const [given, wanted] of [
    ['From a Mon\r\nTo: x\r\n\r\n', 'X-Mailbox-Line: From a Mon\r\nTo: x\r\n\r\n'],
    [
      '>From a Mon\r\nFrom b Mon\r\nTo: x\r\n\r\n',
      'X-Mailbox-Line: >From a Mon\r\nX-Mailbox-Line: From b Mon\r\nTo: x\r\n\r\n',
    ],
    ['From a Mon\r\n y\r\n', 'X-Mailbox-Line: From a Mon\r\n\r\n y\r\n'],
    ['To: x\r\nFrom a Mon\r\n', 'To: x\r\n\r\nFrom a Mon\r\n'],
    ['From here on: text\r\n', 'X-Mailbox-Line: From here on: text\r\n'],
  ])
    assert.equal(mended(given!), wanted)
  assert.equal(mended('From a\r\n'.repeat(30)).match(/X-Mailbox-Line/g)?.length, 20)
})

test('of a header that goes on, the last line is judged only where it can be no name any more', () => {
  assert.equal(mended('To: x\r\nSubj', true), 'To: x\r\nSubj')
  assert.equal(mended('To: x\r\nSubj', false), 'To: x\r\n\r\nSubj')
  assert.equal(mended(`To: x\r\n${'y'.repeat(1000)}`, true), `To: x\r\n\r\n${'y'.repeat(1000)}`)
  assert.equal(mended('To: x\r\ntext\r\nmore', true), 'To: x\r\n\r\ntext\r\nmore')
})
