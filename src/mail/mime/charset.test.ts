import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeCharset } from './charset.ts'
import { decodeEncodedWords } from './encoded-word.ts'

/** The labels of the Encoding Standard, https://encoding.spec.whatwg.org/#names-and-labels, but for x-user-defined and the replacement ones. */
const labels =
  'unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8 866 cp866 csibm866 ibm866 csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2 csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 l3 latin3 csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 l4 latin4 csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 iso-8859-6-e iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 iso88597 iso_8859-7 sun_eu_greek csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 iso8859-8 iso88598 iso_8859-8 visual csiso88598i iso-8859-8-i logical csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6 iso-8859-13 iso8859-13 iso885913 iso-8859-14 iso8859-14 iso885914 csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9 iso-8859-16 cskoi8r koi koi8 koi8-r koi8_r koi8-ru koi8-u csmacintosh mac macintosh x-mac-roman dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874 cp1250 windows-1250 x-cp1250 cp1251 windows-1251 x-cp1251 ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 iso_8859-1 l1 latin1 us-ascii windows-1252 x-cp1252 cp1253 windows-1253 x-cp1253 cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 l5 latin5 windows-1254 x-cp1254 cp1255 windows-1255 x-cp1255 cp1256 windows-1256 x-cp1256 cp1257 windows-1257 x-cp1257 cp1258 windows-1258 x-cp1258 x-mac-cyrillic x-mac-ukrainian chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk gb18030 big5 big5-hkscs cn-big5 csbig5 x-x-big5 cseucpkdfmtjapanese euc-jp x-euc-jp csiso2022jp iso-2022-jp csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 windows-949 unicodefffe utf-16be csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le'.split(
    ' ',
  )

test('every label of the Encoding Standard is known', () => {
  const bytes = Buffer.from('Ab')
  const unknown = labels.filter((label) => {
    const wide = /utf-16|ucs|^unicode(?:feff|fffe|$)|^csunicode/.test(label)
    const given = wide ? Buffer.from(/be$|fffe$/.test(label) ? '\0A\0b' : 'A\0b\0') : bytes
    return decodeCharset(given, label) !== 'Ab'
  })
  assert.deepEqual(unknown, [])
})

test('charsets that browsers gave up and mail still meets', () => {
  assert.equal(decodeCharset(Buffer.from('Hi Mom -+Jjo--!'), 'utf-7'), 'Hi Mom -☺-!')
  assert.equal(decodeCharset(Buffer.from('~peter/mail/&U,BTFw-/&ZeVnLIqe-'), 'utf-7-imap'), '~peter/mail/台北/日本語')
  assert.equal(decodeCharset(Buffer.from([0x80, 0x93, 0x94]), 'windows-1252'), '€“”')
  assert.equal(decodeCharset(Buffer.from([0x80]), 'iso-8859-1'), '€')
  assert.equal(decodeCharset(Buffer.from([0x84, 0x94]), 'cp437'), 'äö')
  assert.equal(decodeCharset(Buffer.from([0xa1]), 'windows-874'), 'ก')
  assert.equal(decodeCharset(Buffer.from([0xef, 0xbb, 0xbf, 0x41]), 'utf-8'), 'A')
  assert.equal(decodeCharset(Buffer.from([0x41, 0xff]), 'utf-8'), 'A\ufffd')
})

test('names that are no charsets are none', () => {
  for (const name of ['base64', 'hex', 'x-unknown', '', 'utf-9', 'constructor', '__proto__'])
    assert.equal(decodeCharset(Buffer.from('A'), name), undefined, name)
})

const jp = (text: string): Buffer => Buffer.from(text.replaceAll('^', '\x1b'), 'latin1')

test('ISO-2022-JP: an escape that another follows is no fault, in joined words and in bodies', () => {
  assert.equal(decodeEncodedWords('=?iso-2022-jp?B?GyRCMnE1RBsoQg==?=\r\n =?ISO-2022-JP?B?GyRCPDwbKEI=?='), '会議室')
  assert.equal(decodeCharset(jp('^$B2q5D^(B^$B<<^(J^(B ok'), 'iso-2022-jp'), '会議室 ok')
  // The return to ASCII was lost at the end of a line.
  assert.equal(decodeCharset(jp('^$B2q5D\r\nok'), 'iso-2022-jp'), '会議\r\nok')
})

test('sets of the kin of ISO-2022-JP, and its other names', () => {
  for (const name of [
    'cp50220',
    'cp50221',
    'CP50222',
    'iso-2022-jp-2',
    'ISO-2022-JP-3',
    'iso-2022-jp-2004',
    '_iso-2022-jp$ESC',
  ])
    assert.equal(decodeCharset(jp('^$B2q5D^(B'), name), '会議', name)
  // Half-width katakana, JIS X 0212, GB 2312, KS C 5601. RFC 1554 §3.
  assert.equal(decodeCharset(jp('^(I1^(B-\x0e12\x0f.'), 'cp50221'), 'ｱ-ｱｲ.')
  assert.equal(decodeCharset(jp('^$(D0!^(B ^$A;a^(B ^$(C0!^(B'), 'iso-2022-jp-2'), '丂 会 가')
})

test('ISO-2022-KR and HZ', () => {
  assert.equal(decodeCharset(jp('^$)C\r\n\x0e>H3g\x0f hi\r\n\x0e0!\r\nhi'), 'iso-2022-kr'), '\r\n안녕 hi\r\n가\r\nhi')
  // RFC 1843's own example.
  assert.equal(
    decodeCharset(Buffer.from('This ~{<:Ky2;S{#,NpJ)l6HK!#~} ~~ Bye~\n.'), 'hz-gb-2312'),
    'This 己所不欲，勿施於人。 ~ Bye.',
  )
})

const hongKong = Buffer.from('9df69df79df8', 'hex')

test('Korean and Hong Kong letters that Node has not, by every name', () => {
  for (const name of ['euc-kr', 'ks_c_5601-1987', 'ks_c_5601-1989', 'korean', 'uhc', 'MS949', 'x-windows-949', 'cp949'])
    assert.equal(decodeCharset(Buffer.from('8c63b0a294ee', 'hex'), name), '똠각뷁', name)
  for (const name of ['big5', 'Big5-HKSCS', 'cn-big5', 'x-big5', 'big5-eten', 'csbig5'])
    assert.equal(decodeCharset(hongKong, name), '喺咗啲', name)
  for (const name of ['euc-jp', 'eucjp-ms', 'CP51932', 'x-euc-jp'])
    assert.equal(decodeCharset(Buffer.from('b2f1', 'hex'), name), '会', name)
  for (const name of ['gb2312', 'cp54936', 'x-gbk', 'ms936'])
    assert.equal(decodeCharset(Buffer.from('bbe1', 'hex'), name), '会', name)
})

test('UTF-16 is read as its mark says, and old names mean what they meant', () => {
  const little = Buffer.from('\ufeffдом', 'utf16le')
  const big = Buffer.from(little).swap16()
  for (const name of ['utf-16', 'UTF-16', 'iso-10646-ucs-2', 'unicode'])
    for (const bytes of [little, big]) assert.equal(decodeCharset(bytes, name), 'дом', name)
  assert.equal(decodeCharset(big.subarray(2), 'utf-16be'), 'дом')
  assert.equal(decodeCharset(Buffer.from('Hi +Jjo-'), 'unicode-1-1-utf-7'), 'Hi ☺')
  assert.equal(decodeCharset(Buffer.from([0x80, 0x81]), 'dos-862'), 'אב')
})

test('a byte that is ASCII survives behind one that means nothing', () => {
  for (const name of ['euc-kr', 'big5', 'shift_jis', 'euc-jp', 'gbk'])
    assert.match(decodeCharset(Buffer.from([0x81, 0x22, 0x3e, 0xfe]), name)!, /^\ufffd?.?">\ufffd$/, name)
})
