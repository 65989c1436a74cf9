/** Sieve scripts and messages made from a seed, for a run beside another engine. RFC 5228 and its extensions. */

/** Numbers below a bound, the same for a seed on any machine. */
export type Dice = (below: number) => number

export function diceOf(seed: number): Dice {
  let state = (seed * 2_654_435_761 + 1) >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const pick = <Item>(dice: Dice, items: readonly Item[]): Item => items[dice(items.length)]!
const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`
const list = (dice: Dice, items: readonly string[]): string =>
  dice(3) > 0
    ? quoted(pick(dice, items))
    : `[${Array.from({ length: 1 + dice(3) }, () => quoted(pick(dice, items))).join(', ')}]`

const names = [
  'Subject',
  'from',
  'TO',
  'Cc',
  'X-Spam',
  'X-Empty',
  'X-Number',
  'Received',
  'List-Id',
  'Date',
  'X-None',
  'Resent-To',
]
const addressNames = ['from', 'to', 'Cc', 'bcc', 'sender', 'Reply-To', 'resent-to']
const words = [
  'hello',
  'Hello World',
  'é',
  'Ärger',
  'list',
  '10',
  '2',
  'yes',
  '',
  'example',
  '$$$',
  'a?b',
  'a*b',
  'x',
  '\\',
  'café',
]
const globs = [
  '*',
  '?',
  '*hello*',
  'h?llo*',
  '*l*o*',
  '??',
  '*?',
  '*[*]*',
  '\\*',
  'a\\?b',
  '*é*',
  '* *',
  '*1*0*',
  '*o',
  'H*',
]
const addresses = [
  'alice',
  'alice@example.org',
  'example.org',
  'EXAMPLE.ORG',
  'bob+list@example.com',
  'bob',
  'list',
  'x@y.z',
  '',
  'Alice',
]
const numbers = ['0', '1', '2', '3', '10', '007', '2x', 'none', '']
const relations = ['gt', 'ge', 'lt', 'le', 'eq', 'ne']
const bodyWords = ['hello', 'HTML', 'plain', 'café', 'boundary', '<b>', 'nothing', '', 'two\r\nlines']
const types = ['text', 'text/plain', 'text/html', 'multipart', 'message/rfc822', 'image', '', '/', 'text/']
const dateParts = [
  'year',
  'month',
  'day',
  'date',
  'julian',
  'hour',
  'minute',
  'second',
  'time',
  'iso8601',
  'std11',
  'zone',
  'weekday',
]
const dateKeys = ['*2024*', '*03*', '*Z', '*:*', '5', '06', '0*', '+0*', '*-*-*', '*0', '*T*', '60*']

function matching(dice: Dice, texts: readonly string[]): string {
  const comparator = pick(dice, ['', '', '', ':comparator "i;octet" ', ':comparator "i;ascii-casemap" '])
  switch (dice(6)) {
    case 0:
      return `:contains ${comparator}|${list(dice, texts)}`
    case 1:
    case 2:
      return `:matches ${comparator}|${list(dice, globs)}`
    case 3:
      return `:value "${pick(dice, relations)}" :comparator "i;ascii-numeric" |${list(dice, numbers)}`
    case 4:
      return `:count "${pick(dice, relations)}" :comparator "i;ascii-numeric" |${list(dice, ['0', '1', '2', '3'])}`
    default:
      return `${pick(dice, ['', ':is '])}${comparator}|${list(dice, texts)}`
  }
}

/** A test. `depth` bounds how far tests hold tests. */
export function testOf(dice: Dice, depth = 2): string {
  const match = (texts: readonly string[]): [string, string] => matching(dice, texts).split('|') as [string, string]
  switch (dice(depth > 0 ? 14 : 11)) {
    case 0:
    case 1: {
      const [tags, keys] = match(words)
      const index = dice(5) === 0 ? `:index ${1 + dice(3)} ${pick(dice, ['', ':last '])}` : ''
      return `header ${index}${tags} ${list(dice, names)} ${keys}`
    }
    case 2:
    case 3: {
      const [tags, keys] = match(addresses)
      const part = pick(dice, ['', ':all ', ':localpart ', ':domain ', ':user ', ':detail '])
      return `address ${part}${tags} ${list(dice, addressNames)} ${keys}`
    }
    case 4: {
      const [tags, keys] = match(addresses)
      return `envelope ${pick(dice, ['', ':all ', ':localpart ', ':domain ', ':user ', ':detail '])}${tags} ${list(dice, ['from', 'to'])} ${keys}`
    }
    case 5:
      return `exists ${list(dice, names)}`
    case 6:
      return `size ${pick(dice, [':over', ':under'])} ${pick(dice, ['0', '100', '400', '1K', '1M', '2G'])}`
    case 7: {
      const [tags, keys] = match(bodyWords)
      const transform = pick(dice, ['', ':text ', ':raw ', `:content ${list(dice, types)} `])
      return `body ${transform}${tags} ${keys}`
    }
    case 8: {
      const zone = pick(dice, [':originalzone ', ':zone "+0130" ', ':zone "-0800" ', ':zone "+0000" '])
      return `date ${zone}:matches ${quoted(pick(dice, ['date', 'Received', 'X-None', 'Subject']))} "${pick(dice, dateParts)}" ${list(dice, dateKeys)}`
    }
    case 9: {
      const [tags, keys] = match(words)
      return `string ${tags} ${list(dice, ['${a}', '${1}', '${2}', '${b} x', '${0}', '', 'hello ${none}'])} ${keys}`
    }
    case 10: {
      const [tags, keys] = match(['\\Seen', 'x', 'y', 'a b', 'A', 'seen'])
      return `hasflag ${tags} ${keys}`
    }
    case 11:
      return `not ${testOf(dice, depth - 1)}`
    default: {
      const tests = Array.from({ length: 1 + dice(3) }, () => testOf(dice, depth - 1))
      return `${pick(dice, ['allof', 'anyof'])} (${tests.join(', ')})`
    }
  }
}

/** What stands between the rules: it changes variables, flags and the header. */
function actionOf(dice: Dice): string {
  const value = pick(dice, ['Hello', '${1}', 'x ${a} y', 'éa', 'a*b?c\\', ''])
  switch (dice(7)) {
    case 0:
    case 1:
      return `set ${pick(dice, ['', ':lower ', ':upper ', ':upperfirst :lower ', ':length ', ':quotewildcard ', ':lowerfirst '])}"${pick(dice, ['a', 'b'])}" ${quoted(value)};`
    case 2:
      return `${pick(dice, ['addflag', 'setflag', 'removeflag'])} ${list(dice, ['\\Seen', 'x', 'y Z', '\\Flagged', '', '$label1'])};`
    case 3:
      return `addheader ${pick(dice, ['', ':last '])}${quoted(pick(dice, ['X-Spam', 'X-New', 'Cc']))} ${quoted(pick(dice, ['yes', 'Alice <alice@example.org>', '10']))};`
    case 4:
      return `deleteheader ${pick(dice, ['', ':index 1 ', ':index 2 :last '])}${quoted(pick(dice, ['X-Spam', 'Cc', 'X-New', 'Subject', 'Received']))};`
    case 5:
      return `deleteheader :contains ${quoted(pick(dice, ['X-Spam', 'To', 'X-Number']))} ${quoted(pick(dice, words))};`
    default:
      return `if header :matches "${pick(dice, ['subject', 'from', 'x-spam'])}" ${quoted(pick(dice, globs))} { set "b" "\${1}-\${2}"; }`
  }
}

export const requires = [
  ...[
    'fileinto',
    'envelope',
    'copy',
    'body',
    'variables',
    'relational',
    'comparator-i;ascii-numeric',
    'imap4flags',
    'subaddress',
  ],
  ...['date', 'index', 'editheader', 'mailbox', 'reject', 'vacation'],
]

/** Rules that say by the mailbox which test held, and with which variables. */
export function scriptOf(dice: Dice, rules: number): string {
  const lines = [`require [${requires.map(quoted).join(', ')}];`]
  for (let rule = 0; rule < rules; rule += 1) {
    if (dice(3) === 0) lines.push(actionOf(dice))
    lines.push(`if ${testOf(dice)} { fileinto "r${rule}"; }`)
  }
  lines.push(
    pick(dice, [
      '',
      'keep;',
      'discard;',
      'redirect "bob@example.com";',
      'redirect :copy "bob@example.com";',
      'keep :flags "q";',
      'stop;',
    ]),
    pick(dice, [
      '',
      '',
      'vacation :handle "h" "away";',
      'fileinto :copy :create "last-${a}";',
      'fileinto :flags "f g" "flagged";',
    ]),
  )
  return `${lines.join('\n')}\n`
}

const subjects = [
  'hello',
  'Hello World',
  '=?utf-8?q?caf=C3=A9?= yes',
  '[list] hello',
  'a*b',
  'a?b',
  '',
  '  spaced  ',
  '10 of 20',
  'folded\r\n line',
]
const froms = [
  'Alice <alice@example.org>',
  'bob+list@example.com',
  '"Doe, A" <Alice@EXAMPLE.ORG>',
  'x@y.z, alice@example.org',
  'team: alice@example.org, bob@example.com;',
]

function bodyOf(dice: Dice): string {
  const plain = 'hello plain\r\ntwo\r\nlines\r\n'
  switch (dice(5)) {
    case 0:
      return `\r\n${plain}`
    case 1:
      return 'Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<b>caf=C3=A9</b> HTML=\r\n hello\r\n'
    case 2:
      return 'Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8gY2Fm6Q==\r\n'
    case 3:
      return `Content-Type: multipart/mixed; boundary=b1\r\n\r\nprologue\r\n--b1\r\n\r\n${plain}--b1\r\nContent-Type: text/html\r\n\r\n<b>hello</b>\r\n--b1\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner hello\r\n\r\ninner plain\r\n--b1--\r\nepilogue\r\n`
    default:
      return `Content-Type: multipart/alternative; boundary="b 2"\r\n\r\n--b 2\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b 2\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0=\r\n--b 2--\r\n`
  }
}

export function messageOf(dice: Dice): string {
  const fields = [
    `From: ${pick(dice, froms)}`,
    `To: ${pick(dice, froms)}`,
    `Subject: ${pick(dice, subjects)}`,
    `Date: ${pick(dice, ['Fri, 15 Mar 2024 13:05:06 +0100', 'Sun, 31 Dec 2023 23:59:59 -0500', '29 Feb 2024 00:00:01 +0000'])}`,
    'MIME-Version: 1.0',
  ]
  const perhaps = [
    `Cc: ${pick(dice, froms)}`,
    `X-Spam: ${pick(dice, ['yes', 'no', 'YES, score=10'])}`,
    'X-Empty:',
    `X-Number: ${pick(dice, ['2', '10', '007', 'none', '3 stars'])}`,
    'List-Id: The List <list.example.org>',
    'Received: from a by b; Fri, 15 Mar 2024 13:05:00 +0100',
    'Received: from c by d; Sun, 10 Mar 2024 01:02:03 -0800',
    'Sender: bob@example.com',
    'Reply-To: Alice <alice@example.org>',
    'Resent-To: x@y.z',
    'X-Number: 1',
  ]
  for (const field of perhaps) if (dice(2) === 0) fields.push(field)
  return `${fields.join('\r\n')}\r\n${bodyOf(dice)}`
}
