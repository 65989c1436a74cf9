/** Messages of public bug reports (`shared/cases/mail`), with what other programs show of them. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { formatBodyStructure } from '../../../src/mail/imap/body-structure.ts'
import { readMessage, type Person, type ReadMessage } from '../../../src/mail/view/read-message.ts'

const folder = join(process.env.PENNYPOST_ROOT!, '..', 'shared', 'cases', 'mail')
const skip = existsSync(folder) ? false : 'no cases'

const people = (list: readonly Person[]): string => list.map(({ name, address }) => `${name} <${address}>`).join(', ')
const files = (message: ReadMessage): string =>
  message.files.map(({ name, type, inline, content }) => [name, type, inline, content().length].join(' ')).join(', ')

/** What is asked of a message, and the answer. */
type Shown = Partial<Record<'subject' | 'text' | 'html' | 'from' | 'to' | 'cc' | 'replyTo' | 'files' | 'date', string>>

const expected: Readonly<Record<string, Shown>> = {
  '01-iso2022jp-subject-words': { subject: 'Secret:「会議室の予約テスト」' },
  '02-iso2022jp-body-escapes': { text: '会議室 ok 予約' },
  '05-korean-uhc-ks_c_5601': { subject: '똠방각하 뷁', text: '똠방각하 펲시 뷁' },
  '08-big5-hong-kong': { subject: '佢哋嘅嘢', text: '我喺度食咗飯啲' },
  '09-utf16-big-endian-mark': { html: '<p>привет</p>' },
  '10-html-head-not-closed': { text: 'Your order 17 has shipped.' },
  '12-html-numeric-windows-1252': { text: 'It’s “new” – 5 €…' },
  '13-html-named-entities': { text: 'Mikuláš Živko\u200f → ✓ café x ÒÏ & ♥' },
  '14-html-bogus-comments': { text: 'others\n- item' },
  '16-picture-without-disposition': { files: 'p.png image/png true 4' },
  '18-related-start': { html: '<img src="cid:img">root' },
  '19-disposition-encoded-word': { html: '<p>schön</p>' },
  '20-cte-x-uuencode': { files: 'x.bin application/octet-stream false 3' },
  '22-part-without-blank-line': { files: 'l.pdf application/pdf false 15' },
  '24-address-double-angle': { to: 'Foo <foo@example.org>, al <al@example.org>' },
  '26-address-missing-comma': {
    to: 'A <a@example.org>, B <b@example.org>',
    cc: ' <c@example.org>,  <d@example.org>',
    replyTo: ' <e@example.org>,  <f@example.org>',
  },
  '27-address-bare-after-name': { from: 'Name, Given <my@example.org>', to: 'Foo Bar <foo@example.org>' },
  '28-filename-star-encoded-word': { files: 'Über.pdf application/pdf false 4' },
  '30-raw-jis-header': { subject: '会議 test', from: '鈴木 <s@example.jp>' },
  '31-us-ascii-label-utf8-bytes': { text: 'Grüße – “ok”' },
  '32-iso2022jp-other-names': { subject: '会議', text: '会議' },
  '33-iso-2022-kr': { text: '안녕하세요' },
  '34-cte-with-comment': { text: 'ä' },
  '35-raw-header-charset-of-body': { subject: 'Привет всем', from: 'Иван <i@example.org>' },
  '36-html-meta-charset': { text: 'привет' },
  '38-date-iso-8601': { date: '2024-03-11T13:49:00.000Z' },
  '39-iso2022jp-without-charset': { text: '会議室を予約しました。' },
  '40-multipart-without-delimiter': { text: 'sometext' },
}

for (const [name, wanted] of Object.entries(expected))
  test(`${name}: what people see elsewhere`, { skip }, () => {
    const message = readMessage(readFileSync(join(folder, `${name}.eml`)))
    const { date } = message
    const all: Shown = {
      subject: message.subject,
      text: message.plainText?.trim(),
      html: message.html?.trim(),
      from: people(message.people('from')),
      to: people(message.people('to')),
      cc: people(message.people('cc')),
      replyTo: people(message.people('reply-to')),
      files: files(message),
      date: date === undefined ? undefined : new Date(date.epochMs).toISOString(),
    }
    const shown = Object.fromEntries(Object.keys(wanted).map((key) => [key, all[key as keyof Shown]]))
    assert.deepEqual(shown, wanted)
    assert.doesNotMatch(formatBodyStructure(message.root), /[\0\r\n]/)
  })
