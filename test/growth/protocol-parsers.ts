/** Parsers of what clients and peers say, of commands and configuration. */
import { fillFilter, filterFault } from '../../src/directory/ldap-filter.ts'
import { readProxyHeader } from '../../src/base/proxy-header.ts'
import { parseSendmailArguments } from '../../src/cli/sendmail/arguments.ts'
import { parseAliases } from '../../src/cli/sendmail/newaliases.ts'
import { parseHeader } from '../../src/mail/header.ts'
import { commands as imapCommands } from '../../src/protocol/imap/commands.ts'
import { parseSearchDate } from '../../src/protocol/imap/wire/date.ts'
import { Line } from '../../src/protocol/imap/wire/line.ts'
import { decodeModifiedUtf7 } from '../../src/protocol/imap/wire/mailbox-name.ts'
import { FrameReader } from '../../src/protocol/imap/wire/reader.ts'
import { parseResponse } from '../../src/protocol/imap/wire/response.ts'
import { resolveRanges } from '../../src/protocol/imap/wire/sequence-set.ts'
import { languageFor } from '../../src/protocol/pop3/words.ts'
import { decodeBase64 } from '../../src/protocol/sasl/mechanism.ts'
import { parseForwarded } from '../../src/protocol/smtp/forwarded.ts'
import { parseLimits } from '../../src/protocol/smtp/peer-limits.ts'
import { decodeXtext, parseMailArguments, parseRcptArguments } from '../../src/protocol/smtp/wire/arguments.ts'
import { ReplyReader } from '../../src/protocol/smtp/wire/reply.ts'
import { startBody, takeBody } from '../../src/protocol/text/dots.ts'
import { LineReader, lineBytesMax } from '../../src/protocol/text/lines.ts'
import { checkContent } from '../../src/checks/content.ts'
import { parsePattern } from '../../src/checks/pattern.ts'
import { bodyMax, latin1Bytes, parser, tried, type Parser } from './parser.ts'

/** As a verb's grammar asks for it; a mailbox in which every number stands for itself. */
const conversation = {
  view: { uidRanges: (set: never) => resolveRanges(set, 100), recent: { ranges: () => [] } },
  options: {},
  enabled: new Set(),
} as never

function imapCommand(text: string): unknown {
  const reader = new FrameReader(65_536)
  reader.push(latin1Bytes(`${text}\r\n`))
  const frame = reader.next()
  if (frame?.kind !== 'command') return frame
  return imapCommands.map((verb) => tried(() => verb.grammar?.(new Line(frame.bytes), conversation)))
}

const patterns = [
  '^(a|a)*$',
  '^a*a*a*a*a*b',
  '(a|b|ab)*c',
  '(.*)(.*)(.*)x',
  '^(a?){30}a{30}$',
  '(x+x+)+y',
  '\\s+$',
].map((source) => parsePattern(`/${source}/i`))

export const protocolParsers: readonly Parser[] = [
  parser('IMAP commands', {
    covers: ['Line', 'FrameReader', 'SearchGrammar', 'parseSearchDate', 'decodeModifiedUtf7', 'resolveRanges'],
    sizeMax: 65_536,
    tokens: [
      '1,',
      '1:*,',
      '*',
      '(',
      ')',
      '"',
      '\\',
      'NOT ',
      'OR ALL ',
      ' ',
      'a',
      '%',
      '&AOk-',
      '&',
      'BODY[1.',
      'HEADER.FIELDS (a ',
      '{1+}',
      '\\Seen ',
      'FLAGS ',
    ],
    before: ['', '1 ', '1:9 (', '(', 'BODY[HEADER.FIELDS (', 'a (', 'KEYWORD '],
    run: imapCommand,
  }),
  parser('IMAP frames', {
    covers: [],
    sizeMax: 262_144,
    tokens: [
      'a',
      '\r',
      '\n',
      '\r\n',
      'a NOOP\r\n',
      '{1+}\r\n',
      '{9999999999+}\r\n',
      '{',
      '}',
      'a {0+}\r\n',
      ' ',
      '+}\r\n',
    ],
    run: (text) => {
      const reader = new FrameReader(65_536)
      const bytes = latin1Bytes(text)
      let frames = 0
      for (let at = 0; at < bytes.length; at += 1460) {
        reader.push(bytes.subarray(at, at + 1460))
        for (let frame = reader.next(); frame; frame = reader.next()) {
          frames += 1
          if (frame.kind === 'literal') reader.refuse()
        }
      }
      return frames
    },
  }),
  parser('IMAP names and dates', {
    covers: [],
    sizeMax: 65_536,
    tokens: ['&', '-', '&AOk-', 'a', '/', '+', '&AA', '1', ' ', '&-', ',', '~'],
    run: (text) => [decodeModifiedUtf7(text), parseSearchDate(text)],
  }),
  parser('IMAP responses', {
    covers: ['parseResponse'],
    sizeMax: 262_144,
    tokens: ['(', ')', ' ', '"', 'a', '\\', 'NIL ', '{1}\r\na', '[', ']', '1 ', '"a" '],
    before: ['* ', '* 1 FETCH (', '* OK [', '* LIST ('],
    run: (text) => tried(() => parseResponse(latin1Bytes(text))),
  }),
  parser('lines', {
    covers: ['LineReader'],
    sizeMax: bodyMax,
    tokens: ['a', '\r\n', '\n', '\r', 'NOOP\r\n', ' ', '\0', 'ab\n'],
    run: (text) => {
      const reader = new LineReader()
      const bytes = latin1Bytes(text)
      let lines = 0
      for (let at = 0; at < bytes.length; at += 1460) {
        reader.push(bytes.subarray(at, at + 1460))
        while (reader.next()) lines += 1
      }
      return lines
    },
  }),
  parser('DATA', {
    covers: ['takeBody'],
    sizeMax: bodyMax,
    tokens: ['.', '\r', '\n', '\r\n', 'a', '\r\n.', '\r\n..', '.\r', '\r\r', '\n.\n'],
    run: (text) => {
      const state = startBody()
      const bytes = latin1Bytes(text)
      let taken = 0
      for (let at = 0; at < bytes.length; at += 1460)
        takeBody(state, bytes.subarray(at, at + 1460), (piece) => (taken += piece.length))
      return taken
    },
  }),
  parser('MAIL and RCPT', {
    covers: ['parseMailArguments', 'parseRcptArguments', 'decodeXtext', 'parseForwarded', 'parseLimits'],
    sizeMax: lineBytesMax,
    tokens: ['<', '>', '"', '\\', '@', ':', ' ', 'a=b ', '+41', '+', 'a', '.', ','],
    before: ['', 'FROM:<', 'TO:<', 'FROM:<a@b> ', 'ADDR=', 'FROM:<"'],
    run: (text) => {
      const bytes = latin1Bytes(text)
      tried(() => parseMailArguments(bytes))
      tried(() => parseRcptArguments(bytes))
      tried(() => parseForwarded(text, 'XCLIENT', ['ADDR', 'NAME']))
      return [decodeXtext(text), parseLimits(text)]
    },
  }),
  parser('SMTP replies', {
    covers: ['ReplyReader'],
    sizeMax: lineBytesMax,
    tokens: ['2', '-', ' ', '.', '250-', '5.1.1 ', 'a', '\0'],
    before: ['250-', '250 2.', '250 '],
    run: (text) => tried(() => new ReplyReader().push(latin1Bytes(text))),
  }),
  parser('SASL', {
    covers: ['decodeBase64', 'readResponse'],
    sizeMax: lineBytesMax,
    tokens: ['A', '=', '+', '/', ' ', '-', '====', '\0'],
    run: decodeBase64,
  }),
  parser('PROXY', {
    covers: ['readProxyHeader', 'readProxied'],
    sizeMax: 4096 + 16,
    tokens: [
      '\0',
      '\x04\0\0',
      '\x03\0\x04aaaa',
      ' ',
      '1',
      '\r\n',
      '.',
      ':',
      'PROXY ',
      '\xff',
      'UNKNOWN ',
      '\x20\0\x05',
    ],
    before: ['PROXY ', 'PROXY TCP4 ', '\r\n\r\n\0\r\nQUIT\n\x21\x11\x0f\xf0', 'PROXY UNKNOWN'],
    run: (text) => readProxyHeader(latin1Bytes(text)),
  }),
  parser('languages', {
    covers: ['languageFor'],
    sizeMax: lineBytesMax,
    tokens: ['a', '-', '*', 'de', ' ', ',', 'en-', 'x'],
    run: languageFor,
  }),
  parser('LDAP filters', {
    covers: ['fillFilter', 'filterFault', 'escapeFilterValue'],
    sizeMax: lineBytesMax,
    tokens: ['(', ')', '{address}', '{', '}', '\\', '*', '@', '&', '=', '\0', '|'],
    run: (text) => [fillFilter('(mail={address})(uid={user})', text), fillFilter(text, 'a@b'), filterFault(text, true)],
  }),
  parser("operators' patterns", {
    covers: ['parsePattern', 'checkContent'],
    sizeMax: 65_536,
    tokens: [
      'a',
      'x',
      ' ',
      'ab',
      'a!',
      '\r\n',
      'b',
      'A',
      '\t',
      'é',
      'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\r\n',
      '.',
    ],
    before: ['a: ', 'a: b\r\n\r\n'],
    run: (text) => {
      const bytes = latin1Bytes(text)
      const rules = patterns.flatMap((one) =>
        one.kind === 'fault'
          ? []
          : (['header', 'body'] as const).map((where) => ({
              name: 'a',
              where,
              pattern: one.expression,
              action: 'warn' as const,
              text: '',
              of: 'all' as const,
            })),
      )
      return checkContent(rules, parseHeader(bytes), async function* () {
        yield bytes
      })
    },
  }),
  parser('a pattern itself', {
    covers: [],
    sizeMax: 2_000,
    tokens: ['(', ')', '*', '+', 'a', '|', '[', ']', '\\', '{1,}', '?', '(?:a|'],
    run: (text) => parsePattern(`/${text}/`),
  }),
  parser('aliases and arguments of sendmail', {
    covers: ['parseAliases', 'parseSendmailArguments'],
    sizeMax: 131_072,
    tokens: ['a: b\n', ' c,\n', '"', '\\', ':', ',', '#', '\n', '|', ' ', ':include:', 'a'],
    run: (text) => [tried(() => parseAliases(text)), tried(() => parseSendmailArguments('sendmail', text.split(' ')))],
  }),
]
