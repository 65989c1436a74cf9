/** Parsers of messages: header fields, structure, bodies, reports, TNEF. */
import { parseDomain, parseMailbox } from '../../src/mail/address.ts'
import { mailboxesOf, parseAddressList } from '../../src/mail/address-list.ts'
import { authorsOf } from '../../src/mail/authors.ts'
import { baseSubject } from '../../src/mail/base-subject.ts'
import { decodeFlowed } from '../../src/mail/compose/flowed.ts'
import { parseDate } from '../../src/mail/date.ts'
import { parseDestination, parseHost } from '../../src/mail/destination.ts'
import { headerMends } from '../../src/mail/header-mends.ts'
import { Header, parseHeader } from '../../src/mail/header.ts'
import { inspectMessage } from '../../src/mail/inspect/inspect.ts'
import { parseInternalDate } from '../../src/mail/internal-date.ts'
import { messageFacts } from '../../src/mail/message-facts.ts'
import { parseMessageIds } from '../../src/mail/message-ids.ts'
import { decodeCharset } from '../../src/mail/mime/charset.ts'
import { parseContentDisposition } from '../../src/mail/mime/content-disposition.ts'
import { parseContentType } from '../../src/mail/mime/content-type.ts'
import { decodeEncodedWords } from '../../src/mail/mime/encoded-word.ts'
import { parameterText, parseParameters } from '../../src/mail/mime/parameters.ts'
import { StreamReader } from '../../src/mail/mime/stream.ts'
import { parseStructure } from '../../src/mail/mime/structure.ts'
import { decodeTransfer, transferDecoder } from '../../src/mail/mime/transfer-encoding.ts'
import { parseDeliveryStatus } from '../../src/mail/report/delivery-status.ts'
import { parseDispositionNotification } from '../../src/mail/report/disposition.ts'
import { parseFeedbackReport } from '../../src/mail/report/feedback.ts'
import { parseReportDate, parseTyped, parseTypedAddress } from '../../src/mail/report/fields.ts'
import { readReport } from '../../src/mail/report/read-report.ts'
import { Bytes } from '../../src/mail/tnef/bytes.ts'
import { readProperties } from '../../src/mail/tnef/properties.ts'
import { decompressRtf } from '../../src/mail/tnef/rtf.ts'
import { readTnef } from '../../src/mail/tnef/tnef.ts'
import { decodeEntities, htmlToText } from '../../src/mail/view/html-text.ts'
import { readMessage } from '../../src/mail/view/read-message.ts'
import { splitUuencoded } from '../../src/mail/view/uuencode.ts'
import { bodyMax, headerMax, latin1Bytes, parser, type Parser } from './parser.ts'

const addressTokens = [
  'b (x). ',
  'a@b,',
  '<',
  '"',
  '(',
  ')',
  '@',
  '.',
  ' ',
  '\\',
  ':',
  ';',
  '[',
  '\r\n .a',
  '\x1b$B',
  '\x1b(B',
  'a <b@c> ',
  '=?utf-8?q?a?= ',
  '[mailto:',
]
const fieldNames = [
  'From',
  'Subject',
  'Date',
  'References',
  'Message-ID',
  'Content-Type',
  'Content-Disposition',
  'Received',
  'Content-Language',
]
const mixed = 'Content-Type: multipart/mixed; boundary=b\r\n\r\n'
const bytes4 = (value: number): string => Buffer.from(Uint32Array.of(value).buffer).toString('latin1')

export const headerParsers: readonly Parser[] = [
  parser('address list', {
    covers: ['parseAddressList', 'mailboxesOf'],
    sizeMax: headerMax,
    tokens: addressTokens,
    before: ['', 'a@', '<a@', 'g: '],
    run: (text) => mailboxesOf(parseAddressList(text)),
  }),
  parser('authors', {
    covers: ['authorsOf', 'decodeAddressMailbox', 'isAddressListSyntax'],
    sizeMax: headerMax,
    tokens: addressTokens,
    before: ['', 'a@', '"', '('],
    run: (text) => authorsOf(parseHeader(latin1Bytes(`From: ${text}\r\nFrom: ${text}\r\n`)), 'from'),
  }),
  parser('mailbox', {
    covers: ['parseMailbox', 'parseDomain'],
    sizeMax: 2_000,
    tokens: ['a', '.', '"', '\\', '@', '-', 'é', '[', ':', 'xn--'],
    before: ['', 'a@', '"', 'a@[IPv6:'],
    run: (text) => [parseMailbox(text), parseDomain(text)],
  }),
  parser('header', {
    covers: ['parseHeader', 'unfold', 'Header'],
    sizeMax: headerMax,
    tokens: ['a:b\r\n', ' x\r\n', ':', 'a', ' ', '\r', 'x\r\n', '\t', '\n ', '\0'],
    before: ['', 'a:', 'From: a@b\r\n'],
    run: (text) => {
      const header = parseHeader(latin1Bytes(text))
      return [header.fields.map((field) => header.value(field)), header.valueOf('from'), header.isPlain]
    },
  }),
  parser('the end of a header', {
    covers: ['headerMends'],
    sizeMax: headerMax,
    tokens: ['a:b\r\n', ' x\r\n', 'From a\r\n', '>', 'From ', 'a', ' ', '\r', '\n'],
    before: ['', 'From a\r\n', 'a:b\r\n'],
    run: (text) => [headerMends(new Header(text)), headerMends(new Header(text), true)],
  }),
  parser('facts of a message', {
    covers: ['messageFacts', 'headerFacts', 'formatEnvelopeFrom', 'formatBodyStructure'],
    sizeMax: headerMax,
    tokens: ['a', ' ', '<', '>', '(', ';', '=?utf-8?q?', '?=', ',', '"', '[', 'x=b(', '\r\n '],
    before: fieldNames.map((name) => `${name}: `),
    run: (text) => messageFacts(parseStructure(latin1Bytes(text))),
  }),
  parser('fields of a message', {
    covers: [],
    sizeMax: headerMax,
    tokens: fieldNames.map((name) => `${name}: a <b@c>; x=y\r\n`),
    run: (text) => messageFacts(parseStructure(latin1Bytes(text))),
  }),
]

export const valueParsers: readonly Parser[] = [
  parser('encoded words', {
    covers: ['decodeEncodedWords', 'decodeUnlabelled'],
    sizeMax: headerMax,
    tokens: [
      '=?',
      '?=',
      '=?utf-8?q?a?=',
      '=?utf-8?b?YQ==?= ',
      '=?x?',
      '?',
      'a',
      ' ',
      '=',
      '=?utf-8?q?',
      '\xe9',
      '=?a*b?q?=e9?=',
    ],
    run: decodeEncodedWords,
  }),
  parser('content type', {
    covers: ['parseContentType', 'parseContentDisposition'],
    sizeMax: headerMax,
    tokens: ['b( ', '(', ')', 'x=y;', ' ', '"', '\\', ';', 'a ', "n*0*=''%41;", '=', '/', 'x=a '],
    before: ['', 'text/plain; x='],
    run: (text) => [parseContentType(text), parseContentDisposition(text)],
  }),
  parser('parameters', {
    covers: ['parseParameters', 'parameterText'],
    sizeMax: headerMax,
    tokens: ['b( ', '(', ';x', '=', '"', '%41', 'x=y;', ' ', "'", '*', 'x*0=', '\\"'],
    before: ['', 'x=a ', 'x*='],
    run: (text) => {
      const found = parseParameters(text, 0)
      return [parameterText(found, 'x'), found.length]
    },
  }),
  parser('subject', {
    covers: ['baseSubject'],
    sizeMax: headerMax,
    tokens: ['re: ', '[a]', '(fwd)', '[fwd: ', ' ', 're', '[', ']', 'fwd[a]:', '=?utf-8?q?re:?= ', ':', '\t'],
    run: baseSubject,
  }),
  parser('dates', {
    covers: ['parseDate', 'dropComments', 'parseInternalDate', 'parseReportDate'],
    sizeMax: headerMax,
    tokens: ['(', ')', ' ', '1', 'a', '21 Nov ', ':', '-', ',', '+', 'Fri, ', '\r\n '],
    before: ['', '21 Nov 1997 ', 'Nov 21 '],
    run: (text) => [parseDate(text), parseInternalDate(text), parseReportDate(text)],
  }),
  parser('destination', {
    covers: ['parseDestination', 'parseHost'],
    sizeMax: 2_000,
    tokens: ['a', '.', '-', ':', '[', ']', '0', ':24', '[::', '=', 'lmtp:'],
    before: ['', 'lmtp:', '=', '['],
    run: (text) => [parseDestination(text), parseHost(text)],
  }),
  parser('message ids', {
    covers: ['parseMessageIds', 'messageIdKeys'],
    sizeMax: headerMax,
    tokens: ['<', '>', '<a@b>', ' ', 'a', '\r\n ', '<<', '>>', '<>', '@', '\t', '<a '],
    run: parseMessageIds,
  }),
]

export const bodyParsers: readonly Parser[] = [
  parser('structure', {
    covers: ['parseStructure', 'StructureParser', 'StreamReader', 'readStream', 'inspectMessage'],
    sizeMax: bodyMax,
    tokens: [
      '--b\r\n',
      '--b\r\n\r\n',
      '--',
      '-',
      '\r\n',
      '\n',
      '--b--\r\n',
      `--b\r\n${mixed}`,
      '--b\r\nContent-Type: message/rfc822\r\n\r\n',
      'a',
      '\r',
      '--b',
    ],
    before: [mixed, 'Content-Type: message/rfc822\r\n\r\n', 'Content-Type: text/plain\r\n\r\n'],
    run: (text) => {
      const bytes = latin1Bytes(text)
      const reader = new StreamReader()
      for (let at = 0; at < bytes.length; at += 65_536) reader.push(bytes.subarray(at, at + 65_536))
      reader.end()
      return inspectMessage(bytes, parseStructure(bytes))
    },
  }),
  parser('a message to read', {
    covers: ['readMessage', 'bodyLists', 'calendarsOf', 'emailBody', 'partText'],
    sizeMax: bodyMax,
    tokens: [
      '--b\r\nContent-Type: text/html\r\n\r\n<b>',
      '--b\r\n\r\n',
      '--b\r\nContent-ID: <x>\r\nContent-Type: image/png\r\n\r\n',
      '<a href="cid:x">',
      '--b\r\nContent-Type: text/plain\r\n\r\nbegin 644 a\r\n',
      '=',
      'a\r\n',
    ],
    before: [mixed, 'Content-Type: text/html\r\n\r\n'],
    run: (text) => {
      const message = readMessage(latin1Bytes(text))
      return [message.text, message.plainText, message.files.length, message.byContentId, message.preview]
    },
  }),
  parser('transfer encodings', {
    covers: ['decodeTransfer', 'transferDecoder', 'UuencodeDecoder'],
    sizeMax: bodyMax,
    tokens: ['=', 'A', '=3D', ' ', '\r\n', '=\r\n', '====', '\t', '!', '=\n', '= ', '\r', '#0V%T\n'],
    before: ['', 'begin 644 a\n', 'begin-base64 644 a\n', 'begin'],
    run: (text) => {
      const bytes = latin1Bytes(text)
      decodeTransfer(bytes, 'base64')
      decodeTransfer(bytes, 'uuencode')
      const lines = transferDecoder('uuencode')
      for (let at = 0; at < bytes.length; at += 10) lines.write(bytes.subarray(at, at + 10))
      const decoder = transferDecoder('quoted-printable')
      for (let at = 0; at < bytes.length; at += 1000) decoder.write(bytes.subarray(at, at + 1000))
      return decodeTransfer(bytes, 'quoted-printable')
    },
  }),
  parser('charsets', {
    covers: ['decodeCharset', 'decodeDoubleByte', 'decodeHz', 'decodeIso2022Jp', 'decodeIso2022Kr'],
    sizeMax: bodyMax,
    tokens: ['\x1b$B', '\x1b(B', 'a', '\xe9', '+AOk-', '+', '\x81', '~{', '\x0e', '\0', '\xff', '\x1b'],
    run: (text) =>
      ['utf-8', 'iso-2022-jp', 'iso-2022-kr', 'hz', 'utf-7', 'gb18030', 'utf-16', 'windows-1252', 'big5', 'euc-jp'].map(
        (name) => decodeCharset(latin1Bytes(text), name),
      ),
  }),
  parser('html', {
    covers: ['htmlToText', 'decodeEntities'],
    sizeMax: bodyMax,
    tokens: [
      '<',
      '<!--',
      '<a "',
      "'",
      '&amp;',
      '&',
      '<script>',
      '<p>',
      '</p>',
      ' ',
      '-->',
      '&#1',
      '<pre>',
      '<head>',
      '</',
      '<![if',
      '<svg>',
      '</pre>\n',
      'x=y ',
    ],
    before: ['', '<script>', '<!--', '<a ', '<pre>', '<svg>'],
    run: (text) => [htmlToText(text), htmlToText(text, 200), decodeEntities(text)],
  }),
  parser('uuencode', {
    covers: ['splitUuencoded', 'findUuencoded'],
    sizeMax: bodyMax,
    tokens: [
      'begin 644 a\n',
      'begin 644 a\n`\nend\n',
      'end\n',
      '#86)C\n',
      '`\n',
      '\n',
      'M',
      'begin ',
      ' ',
      'a\n',
      '\r\n',
      'begin 644 \n',
    ],
    run: splitUuencoded,
  }),
  parser('flowed', {
    covers: ['parseFlowed', 'decodeFlowed'],
    sizeMax: bodyMax,
    tokens: ['> ', '>', 'a \r\n', 'a\r\n', ' ', '\n', '-- \r\n', ' \r\n', '>a \n', 'a'],
    run: (text) => [decodeFlowed(text), decodeFlowed(text, true)],
  }),
  parser('reports', {
    covers: [
      'parseDeliveryStatus',
      'parseDispositionNotification',
      'parseFeedbackReport',
      'parseGroups',
      'parseTyped',
      'parseTypedAddress',
      'FieldReader',
      'bare',
    ],
    sizeMax: 4_194_304,
    tokens: [
      'a: b\r\n',
      '\r\n',
      ' x\r\n',
      ':',
      'Final-Recipient: rfc822; a@b\r\n',
      'Action: (',
      '(',
      ';',
      ' ',
      'Original-Recipient: rfc822;\r\n',
      'Last-Attempt-Date: 1\r\n',
      '"',
    ],
    before: ['', 'Reporting-MTA: dns; '],
    run: (text) => {
      const bytes = latin1Bytes(text)
      return [
        parseDeliveryStatus(bytes),
        parseDispositionNotification(bytes),
        parseFeedbackReport(bytes),
        parseTyped(text),
        parseTypedAddress(text),
      ]
    },
  }),
  parser('a report message', {
    covers: ['readReport'],
    sizeMax: bodyMax,
    tokens: [
      '--b\r\nContent-Type: message/delivery-status\r\n\r\na: b\r\n\r\n',
      'a: b\r\n',
      '\r\n',
      '--b\r\nContent-Type: text/rfc822-headers\r\n\r\n',
    ],
    before: ['Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n'],
    run: (text) => readReport(readMessage(latin1Bytes(text))),
  }),
  parser('TNEF', {
    covers: ['readTnef', 'readProperties', 'decompressRtf', 'filesWithTnef', 'Bytes'],
    sizeMax: bodyMax,
    tokens: [
      '\0',
      '\xff',
      bytes4(1),
      bytes4(0x10000),
      '\x01\x02\x90\x06\0\x08\0\0\0\0\0\0\0\0\0',
      '\x02\x05\x90\x06\0\0\0\0\0\0\0',
      '\x1e\0\x01\x30\x01\0\0\0',
      '\x0d\0\x01\x37\x01\0\0\0',
    ],
    before: ['\x78\x9f\x3e\x22\x01\0', '', `${bytes4(0xffff)}${bytes4(0xffffff)}LZFu\0\0\0\0`],
    run: (text) => [
      readTnef(latin1Bytes(text)),
      readProperties(new Bytes(latin1Bytes(text))),
      decompressRtf(latin1Bytes(text)),
    ],
  }),
]
