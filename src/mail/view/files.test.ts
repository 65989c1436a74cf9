import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readMessage, type ReadMessage } from './read-message.ts'

const read = (...lines: string[]): ReadMessage => readMessage(Buffer.from(lines.join('\r\n'), 'latin1'))
const told = (message: ReadMessage): unknown[] =>
  message.files.map((file) => [file.name, file.type, file.inline, Buffer.from(file.content()).toString()])

const mixed = (...parts: string[][]): ReadMessage =>
  read('Content-Type: multipart/mixed; boundary=x', '', ...parts.flatMap((lines) => ['--x', ...lines]), '--x--', '')
const text = ['Content-Type: text/plain', '', 'See below']

test('pictures, sound and film without a disposition, or inline, are files, in the order of the message', () => {
  const message = mixed(
    text,
    ['Content-Type: image/gif; name=cat.gif', '', 'GIF'],
    ['Content-Type: application/zip; name=a.zip', '', 'ZIP'],
    ['Content-Type: audio/mpeg', 'Content-Disposition: inline; filename=song.mp3', '', 'MP3'],
    ['Content-Type: text/plain', '', 'Bye'],
    ['Content-Type: video/mp4', 'Content-Disposition: attachment; filename=film.mp4', '', 'MP4'],
  )
  assert.deepEqual(told(message), [
    ['cat.gif', 'image/gif', true, 'GIF'],
    ['a.zip', 'application/zip', false, 'ZIP'],
    ['song.mp3', 'audio/mpeg', true, 'MP3'],
    ['film.mp4', 'video/mp4', false, 'MP4'],
  ])
  assert.equal(message.plainText, 'See below\nBye')
  assert.equal(message.bodyLists.textBody.length, 4, 'RFC 8621 §4.1.4 has them in the body as well')
})

test('a message that is one picture is a file; a picture alone makes no paper clip', () => {
  const scan = read('Content-Type: image/tiff; name=scan.tif', 'Content-Transfer-Encoding: base64', '', 'SUkq', '')
  assert.deepEqual(told(scan), [['scan.tif', 'image/tiff', true, 'II*']])
  assert.equal(scan.hasAttachment, false)
  assert.equal(scan.plainText, undefined)
})

test('a picture that the HTML shows is found by its Content-ID, wherever it stands, and told once', () => {
  const message = mixed(
    ['Content-Type: text/html', '', '<img src="cid:o.bmp">'],
    ['Content-Type: image/bmp', 'Content-ID: <o.bmp>', '', 'BM'],
  )
  assert.equal(Buffer.from(message.byContentId.get('o.bmp')!.content()).toString(), 'BM')
  const branch = read(
    'Content-Type: multipart/alternative; boundary=a',
    '',
    '--a',
    'Content-Type: multipart/mixed; boundary=x',
    '',
    '--x',
    ...text,
    '--x',
    'Content-Type: image/png; name=b.png',
    '',
    'PNG',
    '--x--',
    '--a',
    'Content-Type: text/html',
    '',
    '<p>See',
    '--a--',
  )
  assert.deepEqual(told(branch), [['b.png', 'image/png', true, 'PNG']])
})

const related = (start: string, ...parts: string[][]): ReadMessage =>
  read(
    `Content-Type: multipart/related; boundary=x; type="text/html"${start}`,
    '',
    ...parts.flatMap((lines) => ['--x', ...lines]),
    '--x--',
    '',
  )
const dog = ['Content-Type: image/png', 'Content-ID: <dog@a>', '', 'PNG']
const page = ['Content-Type: text/html', 'Content-ID: <page@a>', '', '<img src="cid:dog@a">']

test('start names the root of multipart/related, with brackets or without', () => {
  for (const start of ['; start="<page@a>"', '; start=page@a', "; start*=us-ascii''%3Cpage@a%3E"]) {
    const message = related(start, dog, page)
    assert.equal(message.html, '<img src="cid:dog@a">', start)
    assert.deepEqual(
      message.files.map(({ type, inline }) => [type, inline]),
      [['image/png', true]],
    )
  }
})

test('a start that names no part, or none at all, leaves the first; a root may be a multipart', () => {
  for (const start of ['', '; start="<gone@a>"', '; start=""'])
    assert.equal(related(start, page, dog).html, '<img src="cid:dog@a">', start)
  const alternative = [
    'Content-Type: multipart/alternative; boundary=y',
    'Content-ID: <both@a>',
    '',
    '--y',
    'Content-Type: text/plain',
    '',
    'plain',
    '--y',
    'Content-Type: text/html',
    '',
    '<b>page',
    '--y--',
  ]
  const message = related('; start="<both@a>"', dog, alternative)
  assert.deepEqual([message.html, message.plainText, message.files.length], ['<b>page', 'plain', 1])
})
