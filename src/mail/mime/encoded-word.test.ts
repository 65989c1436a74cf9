import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeCharset } from './charset.ts'
import { decodeEncodedWords } from './encoded-word.ts'

test('a character that is split between two words is joined', () => {
  assert.equal(decodeEncodedWords('=?utf-8?Q?caf=C3?= =?UTF-8?Q?=A9?='), 'café')
  assert.equal(decodeEncodedWords('=?utf-8?B?Y2Fmww==?= \r\n =?utf-8?B?qQ==?='), 'café')
})

test('raw 8-bit text is UTF-8 where it can be, else windows-1252', () => {
  assert.equal(decodeEncodedWords(Buffer.from('café').toString('latin1')), 'café')
  assert.equal(decodeEncodedWords('caf\xe9 \x80'), 'café €')
})

test('words of unknown charset, or none at all, stay readable', () => {
  assert.equal(decodeEncodedWords('=?x-unknown?Q?a=20b?='), 'a b')
  assert.equal(decodeEncodedWords('=?utf-8?X?a?= =? =?a?b'), '=?utf-8?X?a?= =? =?a?b')
})

test('a megabyte of unclosed words does not hold it (the time limit of the runner would tell)', () => {
  for (const unit of ['=?', '=?a?q?', '=?a?q?b ', '=?utf-8?q?a?= ']) {
    decodeEncodedWords(unit.repeat(1_000_000 / unit.length))
  }
})

test('charsets: the ones that Node 20 decodes wrongly, and multi-byte ones', () => {
  const cases: [string, number[], string][] = [
    ['windows-1252', [0x80, 0x93], '€“'],
    ['iso-8859-1', [0x80, 0xe9], '€é'],
    ['windows-874', [0xa1, 0x80], 'ก€'],
    ['koi8-r', [0xc1], 'а'],
    ['iso-2022-jp', [0x1b, 0x24, 0x42, 0x24, 0x22, 0x1b, 0x28, 0x42], 'あ'],
    ['GB2312', [0xc4, 0xe3], '你'],
    ['utf-7', [...Buffer.from('+AOk-')], 'é'],
  ]
  for (const [charset, bytes, text] of cases)
    assert.equal(decodeCharset(Uint8Array.from(bytes), charset), text, charset)
  assert.equal(decodeCharset(Uint8Array.from([0x61]), 'base64'), undefined)
  assert.equal(decodeCharset(Uint8Array.from([0x61]), 'x-unknown'), undefined)
})
