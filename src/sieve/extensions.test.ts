/** The examples and rules of the extensions' RFCs, but for those of variables, include, ihave and vacation, which have their own files. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actionsOf, faultsOf, holds, runOver } from '../../test/support/sieve.ts'
import { datePart } from './extensions/date.ts'
import { methodProblem } from './extensions/enotify.ts'
import type { Answer, Question } from './question.ts'

const answering =
  (answers: Partial<Record<Question['kind'], Answer>>) =>
  (question: Question): Answer =>
    answers[question.kind]

test('RFC 3894: a copy leaves the implicit keep', () => {
  assert.deepEqual(
    actionsOf('require ["copy", "fileinto"]; fileinto :copy "incoming"; redirect :copy "a@example.org";'),
    ['fileinto incoming copy', 'redirect a@example.org copy', 'keep'],
  )
})

const nested = `From: Whomever
To: Someone
Date: Whenever
Subject: whatever
Content-Type: multipart/mixed; boundary=outer

& This is a multi-part message in MIME format.
&
--outer
Content-Type: multipart/alternative; boundary=inner

& This is a nested multi-part message in MIME format.
&
--inner
Content-Type: text/plain; charset="us-ascii"

$ Hello
$
--inner
Content-Type: text/html; charset="us-ascii"

% <html><body>Hello</body></html>
%
--inner--
&
& This is the end of the inner MIME multipart.
&
--outer
Content-Type: message/rfc822

! From: Someone Else
! Subject: hello request

$ Please say Hello
$
--outer--
&
& This is the end of the outer MIME multipart.
`.replace(/^! /gm, '')

test('RFC 5173 §5.2: which parts a type of content means', () => {
  const seen = (types: string, needle: string): boolean =>
    holds(`body :content ${types} :contains "${needle}"`, { mail: nested }, ['body'])
  assert.ok(seen('"multipart"', 'MIME'))
  assert.ok(seen('"multipart"', 'end of the inner'))
  assert.ok(seen('"multipart"', 'end of the outer'))
  assert.ok(!seen('"multipart"', 'Hello'))
  assert.ok(seen('"text/plain"', '$ Hello'))
  assert.ok(seen('"text/plain"', 'Please say Hello'))
  assert.ok(!seen('"text/plain"', 'html'))
  assert.ok(seen('"text/html"', 'Hello'))
  assert.ok(seen('["TEXT"]', '% <html>'))
  assert.ok(seen('"message/rfc822"', 'hello request'))
  assert.ok(!seen('"message/rfc822"', 'Please'))
  for (const none of ['"/"', '"text/"', '"/plain"', '"text/plain/x"']) assert.ok(!seen(none, ''), none)
  assert.ok(seen('""', 'hello request'))
})

test('RFC 5173: raw, text and messages without a body', () => {
  const mail =
    'Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nTUFLRSBNT05FWSBGQVNUIMOp\n'
  const body = (test: string, text = mail): boolean => holds(`body ${test}`, { mail: text }, ['body'])
  assert.ok(body(':contains "make money fast é"'))
  assert.ok(body(':text :contains "MAKE"'))
  assert.ok(!body(':raw :contains "MAKE"'))
  assert.ok(body(':raw :contains "TUFLRSBNT05FWSBGQVNU"'))
  assert.ok(!body(':raw :contains ""', 'Subject: only a header\n'))
  assert.ok(body(':raw :is ""', 'Subject: an empty body\n\n'))
  assert.ok(body(':raw :contains "--inner"', nested))
  assert.match(faultsOf('require "body"; if body :raw :text "x" {}').join(), /cannot be used together/)
})

test('RFC 5173 §6: a body sets no match variables', () => {
  const script =
    'require ["body", "variables", "fileinto"]; if header :matches "subject" "*" {} if body :matches "*" { fileinto "${1}"; }'
  assert.deepEqual(actionsOf(script, { mail: 'Subject: s\n\nbody' }), ['fileinto s'])
})

test('a size is that of the message as it is now', () => {
  const script = 'require "editheader"; addheader "X-A" "12345"; if size :over 23 { discard; }'
  assert.deepEqual(actionsOf(script, { mail: 'A: b\n\nc' }), ['keep'])
  assert.deepEqual(actionsOf(script, { mail: 'A: b\n\ncccc' }), ['discard'])
})

test('a body is looked at as far as the limit', () => {
  const mail = 'Subject: x\n\nhello'
  const script = 'require "body"; if anyof (body :contains "nothing", body :matches "no*", body :raw "x") { discard; }'
  const result = runOver(script, { mail, limits: { bodyTextMax: 3 } })
  assert.deepEqual(
    result.actions.map(({ kind }) => kind),
    ['keep'],
  )
  assert.ok(!holds('body :contains "hello"', { mail, limits: { bodyTextMax: 3 } }, ['body']))
  assert.ok(holds('body :contains "hel"', { mail, limits: { bodyTextMax: 3 } }, ['body']))
})

const counted =
  'Received: ...\nReceived: ...\nSubject: example\nTo: foo@example.com, baz@example.com\nCC: qux@example.com\n\n'

test('RFC 5231 §6: counts', () => {
  const count = (test: string): boolean => holds(test, { mail: counted }, ['relational', 'comparator-i;ascii-numeric'])
  const ge = ':count "ge" :comparator "i;ascii-numeric"'
  assert.ok(count(`address ${ge} ["to", "cc"] ["3"]`))
  assert.ok(!count(`anyof (address ${ge} ["to"] ["3"], address ${ge} ["cc"] ["3"])`))
  assert.ok(!count(`header ${ge} ["received"] ["3"]`))
  assert.ok(count(`header ${ge} ["received", "subject"] ["3"]`))
  assert.ok(!count(`header ${ge} ["to", "cc"] ["3"]`))
  assert.ok(count('header :count "eq" :comparator "i;ascii-numeric" "x-none" "0"'))
})

test('RFC 5231 §8: the extended example', () => {
  const script = `require ["relational", "comparator-i;ascii-numeric", "fileinto"];
if header :value "lt" :comparator "i;ascii-numeric" ["x-priority"] ["3"] { fileinto "Priority"; }
elsif address :count "gt" :comparator "i;ascii-numeric" ["to"] ["5"] { fileinto "SPAM"; }
elsif address :value "gt" :all :comparator "i;ascii-casemap" ["from"] ["M"] { fileinto "From N-Z"; }
else { fileinto "From A-M"; }`
  assert.deepEqual(actionsOf(script, { mail: 'X-Priority: 2 (high)\n\n' }), ['fileinto Priority'])
  assert.deepEqual(actionsOf(script, { mail: `X-Priority: none\nTo: ${'a@b.c,'.repeat(6)}\n\n` }), ['fileinto SPAM'])
  assert.deepEqual(actionsOf(script, { mail: 'From: nora@b.c\n\n' }), ['fileinto From N-Z'])
  assert.deepEqual(actionsOf(script, { mail: 'From: anna@b.c\n\n' }), ['fileinto From A-M'])
  assert.match(faultsOf('require "relational"; if header :value "above" "a" "b" {}').join(), /"above" is no relation/)
})

test('RFC 4790 §9.1: numbers of any length, and what is none is infinite', () => {
  const numeric = (value: string, relation: string, key: string): boolean =>
    holds(`header :value "${relation}" :comparator "i;ascii-numeric" "x" "${key}"`, { mail: `X: ${value}\n\n` }, [
      'relational',
      'comparator-i;ascii-numeric',
    ])
  assert.ok(numeric('0003', 'eq', '3'))
  assert.ok(numeric('9', 'lt', '10'))
  assert.ok(numeric('123456789012345678901234567890', 'gt', '99999999999999999999'))
  assert.ok(numeric('none', 'gt', '99999999999'))
  assert.ok(numeric('none', 'eq', 'x'))
})

test('RFC 5232: flags are set, added, removed and tested', () => {
  const script = (body: string): string[] =>
    actionsOf(`require ["imap4flags", "fileinto", "variables", "relational", "comparator-i;ascii-numeric"];\n${body}`)
  assert.deepEqual(script(String.raw`setflag "\\Deleted";`), ['keep [\\Deleted]'])
  assert.deepEqual(
    script(
      String.raw`addflag "flagvar" "\\Deleted"; addflag "flagvar" "\\Answered"; fileinto :flags "${'${flagvar}'}" "x";`,
    ),
    ['fileinto x [\\Deleted \\Answered]'],
  )
  assert.deepEqual(script(String.raw`addflag ["a b", " c  \\SEEN "]; removeflag "B"; keep;`), ['keep [a c \\Seen]'])
  assert.deepEqual(script(String.raw`setflag "a"; fileinto :flags "b" "x"; fileinto "y"; keep :flags "";`), [
    'fileinto x [b]',
    'fileinto y [a]',
    'keep',
  ])
  // \Recent and what is no flag are passed over; the last list wins. RFC 5232 §2, §3.
  assert.deepEqual(script(String.raw`fileinto :flags ["\\Recent", "é", "(", "ok"] "x"; fileinto :flags "last" "x";`), [
    'fileinto x [last]',
  ])
  const flags =
    'set "MyVar" "NonJunk Junk gnus-forward $Forwarded NotJunk JunkRecorded $Junk $NotJunk"; set "MyFlags" "A B"; setflag "A B";'
  const isSo = (test: string): boolean => script(`${flags} if ${test} { discard; }`)[0] === 'discard'
  for (const test of [
    'hasflag :is "b A"',
    'hasflag ["b","A"]',
    'hasflag :contains "MyVar" "Junk"',
    'hasflag :contains "MyVar" "forward"',
    'hasflag :contains "MyVar" ["label", "forward"]',
    'hasflag :contains "MyVar" ["junk", "forward"]',
    'hasflag :contains "MyVar" "junk forward"',
    'hasflag :count "ge" :comparator "i;ascii-numeric" "MyFlags" "2"',
  ])
    assert.ok(isSo(test), test)
  assert.ok(!isSo('hasflag :contains "MyVar" "label"'))
  assert.ok(!isSo('hasflag :contains "MyVar" ["label1", "label2"]'))
  assert.match(faultsOf('require "imap4flags"; addflag "v" "x";').join(), /without "variables"/)
})

test('RFC 5232 §8: the extended example', () => {
  const script = String.raw`require ["fileinto", "imap4flags", "variables", "relational", "comparator-i;ascii-numeric"];
if size :over 1M { addflag "MyFlags" "Big"; if header :is "From" "boss@company.example.com" { addflag "MyFlags" ["\\Flagged"]; } }
if header :is "Sender" "owner-ietf-mta-filters@example.org" { set "MyFlags" "${'${MyFlags}'} List"; fileinto :flags "${'${MyFlags}'}" "INBOX.ietf"; }
else { keep :flags "${'${MyFlags}'}"; }`
  assert.deepEqual(actionsOf(script, { mail: 'Sender: owner-ietf-mta-filters@example.org\n\n' }), [
    'fileinto INBOX.ietf [List]',
  ])
  assert.deepEqual(actionsOf(script, { mail: `From: boss@company.example.com\n\n${'x'.repeat(1_048_576)}` }), [
    'keep [Big \\Flagged]',
  ])
})

test('RFC 5233: user and detail', () => {
  const is = (test: string, to: string): boolean => holds(`address ${test}`, { mail: `To: ${to}\n\n` }, ['subaddress'])
  assert.ok(is(':user "to" "ken"', 'ken+sieve@example.org'))
  assert.ok(is(':detail "to" "sieve"', 'ken+sieve@example.org'))
  assert.ok(is(':detail "to" ""', 'ken+@example.org'))
  assert.ok(!is(':detail "to" ""', 'ken@example.org'))
  assert.ok(!is(':detail :contains "to" ""', 'ken@example.org'))
  assert.ok(is(':user "to" "ken"', 'ken@example.org'))
  const ham = `require ["envelope", "subaddress", "fileinto"];
if envelope :detail "to" "spam" { discard; }
if envelope :user "to" "postmaster" { fileinto "INBOX.postmaster"; stop; }`
  assert.deepEqual(actionsOf(ham, { to: 'ken+spam@example.org' }), ['discard'])
  assert.deepEqual(actionsOf(ham, { to: 'postmaster+x@example.org' }), ['fileinto INBOX.postmaster'])
})

test('RFC 5235: scores of spam and viruses', () => {
  const script = `require ["spamtestplus", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest :value "eq" :comparator "i;ascii-numeric" "0" { fileinto "INBOX.unclassified"; }
elsif spamtest :percent :value "eq" :comparator "i;ascii-numeric" "0" { fileinto "INBOX.not-spam"; }
elsif spamtest :percent :value "lt" :comparator "i;ascii-numeric" "37" { fileinto "INBOX.spam-trap"; }
else { discard; }`
  const scored = (spam: number | undefined): string[] => actionsOf(script, { answer: answering({ spam }) })
  assert.deepEqual(scored(undefined), ['fileinto INBOX.unclassified'])
  assert.deepEqual(scored(0), ['fileinto INBOX.not-spam'])
  assert.deepEqual(scored(0.3), ['fileinto INBOX.spam-trap'])
  assert.deepEqual(scored(0.9), ['discard'])
  const needs = ['spamtest', 'relational', 'comparator-i;ascii-numeric']
  const ge = ':value "ge" :comparator "i;ascii-numeric"'
  assert.ok(holds(`spamtest ${ge} "10"`, { answer: answering({ spam: 1 }) }, needs))
  assert.ok(!holds(`spamtest ${ge} "2"`, { answer: answering({ spam: 0 }) }, needs))
  assert.ok(holds('spamtest :count "eq" "0"', { answer: answering({}) }, needs))
  assert.ok(
    holds('virustest :value "eq" :comparator "i;ascii-numeric" "4"', { answer: answering({ virus: 4 }) }, [
      'virustest',
      ...needs,
    ]),
  )
  assert.ok(holds('virustest "0"', { answer: answering({}) }, ['virustest']))
  assert.match(faultsOf('require "spamtest"; if spamtest :percent "1" {}').join(), /without "spamtestplus"/)
})

const received =
  'Received: from a; Mon, 26 Feb 2007 10:00:00 -0500\nReceived: from b; Sun, 25 Feb 2007 23:30:00 +0200\nDate: Wed, 28 Feb 2007 13:05:06 +0530\n\n'

test('RFC 5260 §4: parts of dates, in zones', () => {
  const answer = answering({ now: { epochMs: Date.UTC(2009, 0, 1), offsetMinutes: 60 } })
  const is = (test: string): boolean => holds(test, { mail: received, answer }, ['date', 'index', 'relational'])
  const parts = {
    year: '2007',
    month: '02',
    day: '28',
    date: '2007-02-28',
    julian: '54159',
    hour: '13',
    minute: '05',
    second: '06',
  }
  for (const [part, text] of Object.entries(parts)) assert.ok(is(`date :originalzone "date" "${part}" "${text}"`), part)
  assert.ok(is('date :originalzone "date" "time" "13:05:06"'))
  assert.ok(is('date :originalzone "date" "iso8601" "2007-02-28T13:05:06+05:30"'))
  assert.ok(is('date :zone "+0000" "date" "iso8601" "2007-02-28T07:35:06Z"'))
  assert.ok(is('date :originalzone "date" "std11" "Wed, 28 Feb 2007 13:05:06 +0530"'))
  assert.ok(is('date :originalzone "date" "zone" "+0530"'))
  assert.ok(is('date :originalzone "date" "weekday" "3"'))
  // The server's zone, if none is named.
  assert.ok(is('date "date" "hour" "08"'))
  assert.ok(
    is('allof (date :value "ge" :originalzone "date" "hour" "09", date :value "lt" :originalzone "date" "hour" "17")'),
  )
  assert.ok(!is('anyof (date :is "received" "weekday" "0", date :is "received" "weekday" "6")'))
  assert.ok(!is('date "x-none" "year" "2007"'))
  assert.match(faultsOf('require "date"; if date "date" "century" "x" {}').join(), /a date has no part "century"/)
  assert.match(faultsOf('require "date"; if date :zone "CET" "date" "hour" "x" {}').join(), /is no zone/)
  assert.match(
    faultsOf('require "date"; if date :zone "+0100" :originalzone "date" "hour" "x" {}').join(),
    /cannot be used together/,
  )
})

test('RFC 5260 §5: the current date', () => {
  const now = { epochMs: Date.UTC(2007, 5, 30, 23, 30), offsetMinutes: 120 }
  const is = (test: string): boolean => holds(test, { answer: answering({ now }) }, ['date', 'relational'])
  assert.ok(is('allof (currentdate :value "ge" "date" "2007-06-30", currentdate :value "le" "date" "2007-07-07")'))
  assert.ok(is('currentdate "date" "2007-07-01"'))
  assert.ok(is('currentdate :zone "+0000" "date" "2007-06-30"'))
  assert.ok(
    is('anyof (currentdate :is "weekday" "0", currentdate :is "weekday" "6", currentdate :value "lt" "hour" "09")'),
  )
  assert.ok(is('currentdate :matches "std11" "*"'))
})

test('RFC 5260 §6: index and last', () => {
  const answer = answering({ now: { epochMs: 0, offsetMinutes: 0 } })
  const is = (test: string): boolean => holds(test, { mail: received, answer }, ['date', 'index', 'relational'])
  assert.ok(is('date :value "lt" :index 2 :zone "-0500" "received" "iso8601" "2007-02-26T09:00:00-05:00"'))
  assert.ok(is('header :index 1 :contains "received" "from a"'))
  assert.ok(!is('header :index 1 :contains "received" "from b"'))
  assert.ok(is('header :index 1 :last :contains "received" "from b"'))
  assert.ok(!is('header :index 3 :contains "received" "from"'))
  // Fields of several names are counted together, in the order of the names.
  assert.ok(is('header :index 2 :contains ["date", "received"] "from a"'))
  assert.ok(is('header :index 3 :last :contains ["date", "received"] "28 Feb"'))
  assert.match(faultsOf('require "index"; if header :last "a" "b" {}').join(), /:last stands with :index only/)
  assert.match(faultsOf('require "index"; if header :index 0 "a" "b" {}').join(), /:index counts from 1/)
})

test('a date before 1970 and one in a leap year', () => {
  assert.equal(datePart('julian', Date.UTC(1858, 10, 17), 0), '0')
  assert.equal(datePart('date', Date.UTC(2024, 1, 29), 0), '2024-02-29')
  assert.equal(datePart('weekday', Date.UTC(1969, 11, 31), 0), '3')
})

/** The header after the edits of the first action. */
function edited(script: string, mail: string): string {
  const bytes = mail.replaceAll('\n', '\r\n')
  const [action] = runOver(`require ["editheader", "fileinto"];\n${script}`, { mail }).actions
  assert.ok(action !== undefined && 'edits' in action)
  let out = ''
  let at = 0
  for (const { start, end, text = '' } of action.edits) {
    out += bytes.slice(at, start) + text
    at = end
  }
  return (out + bytes.slice(at)).replaceAll('\r\n', '\n')
}

test('RFC 5293 §4: fields are added at the top, or at the end', () => {
  assert.equal(
    edited('addheader "X-A" "1"; addheader "X-B" "2"; addheader :last "X-C" "ü";', 'A: a\nB: b\n\nbody'),
    'X-B: 2\nX-A: 1\nA: a\nB: b\nX-C: =?utf-8?q?=C3=BC?=\n\nbody',
  )
  const once = `require "editheader";
if not header :contains "X-Sieve-Filtered" ["<kim@job.example.com>", "<kim@home.example.com>"] {
  addheader "X-Sieve-Filtered" "<kim@job.example.com>"; redirect "kim@home.example.com"; }`
  assert.deepEqual(actionsOf(once), ['redirect kim@home.example.com'])
  assert.deepEqual(actionsOf(once, { mail: 'X-Sieve-Filtered: <kim@job.example.com>\n\n' }), ['keep'])
  assert.equal(edited('addheader :last "X-A" "1";', 'A: a\nB: cut'), 'A: a\nB: cut\nX-A: 1\n')
  assert.equal(edited('addheader :last "X-A" "1";', '\nbody'), 'X-A: 1\n\nbody')
  // No field can be smuggled in by a line end.
  assert.equal(edited('addheader "X-A" "1\r\nBcc: x@y.z";', 'A: a\n\n'), 'X-A: 1 Bcc: x@y.z\nA: a\n\n')
  assert.match(faultsOf('require "editheader"; addheader "X A" "b";').join(), /no name of a header field/)
})

test('RFC 5293 §5: fields are deleted by name, place and value', () => {
  const mail =
    'Delivered-To: alice@example.com\nDelivered-To: bob@example.com\nSubject: x\nDelivered-To: bob@example.com\n\n'
  const left = (script: string): string[] =>
    edited(script, mail)
      .split('\n')
      .filter((line) => line !== '')
  assert.deepEqual(left('deleteheader "delivered-to";'), ['Subject: x'])
  assert.equal(left('deleteheader :index 1 :contains "Delivered-To" "bob@example.com";').length, 4)
  assert.equal(left('deleteheader :contains "Delivered-To" "bob@example.com";').length, 2)
  assert.deepEqual(left('deleteheader :index 1 :last "Delivered-To";').at(-1), 'Subject: x')
  // First and third: RFC 5293 §7.
  assert.deepEqual(left('deleteheader :index 1 "Delivered-To"; deleteheader :index 2 "Delivered-To";'), [
    'Delivered-To: bob@example.com',
    'Subject: x',
  ])
  assert.equal(edited('addheader "X-Hello" "World"; deleteheader :index 1 "X-Hello";', mail), mail)
  assert.match(faultsOf('require "editheader"; deleteheader :last "a";').join(), /:last stands with :index only/)
})

test('RFC 5293 §6, §7: what may not be changed is not, and tests see what was changed', () => {
  const mail = 'Received: x\nAuto-Submitted: no\nSubject: y\n\n'
  assert.equal(edited('deleteheader "received"; deleteheader "auto-submitted"; addheader "Received" "z";', mail), mail)
  assert.equal(
    edited('deleteheader "subject"; addheader "Subject" "new";', mail),
    'Subject: new\nReceived: x\nAuto-Submitted: no\n\n',
  )
  const hello =
    'require ["editheader", "fileinto"]; addheader "X-Hello" "World"; if header :contains "X-Hello" "World" { fileinto "international"; }'
  assert.deepEqual(actionsOf(hello), ['fileinto international'])
  assert.deepEqual(actionsOf('require "editheader"; keep; addheader "X-Flavor" "vanilla"; keep;'), ['keep'])
  // An error keeps the message as it came.
  const result = runOver('require ["editheader", "ihave"]; addheader "a" "b"; error "x";')
  assert.deepEqual(result.actions, [{ kind: 'keep', line: 0, edits: [], copy: false }])
})

test('RFC 5429: a message is refused once, and not delivered as well', () => {
  assert.deepEqual(actionsOf('require "reject"; reject text:\nToo big.\n.\n;'), ['reject Too big.\r\n'])
  assert.deepEqual(
    actionsOf(
      'require "ereject"; if address "from" "someone@example.com" { ereject "I no longer accept mail from this address"; }',
      { mail: 'From: someone@example.com\n\n' },
    ),
    ['ereject I no longer accept mail from this address'],
  )
  for (const other of ['keep;', 'redirect "a@b.c";', 'fileinto "x";', 'reject "again";']) {
    assert.match(actionsOf(`require ["reject", "fileinto"]; reject "no"; ${other}`).join(), /^error at line 1/, other)
    assert.match(actionsOf(`require ["reject", "fileinto"]; ${other} reject "no";`).join(), /^error at line 1/, other)
  }
})

test('RFC 5435 §3.7: notifications', () => {
  const script = `require ["enotify", "fileinto", "variables"];
if header :contains "from" "boss@example.org" {
  notify :importance "1" :message "This is probably very important" "mailto:alm@example.com"; stop; }
if header :contains "to" "sievemailinglist@example.org" {
  if header :matches "Subject" "*" { set "subject" "\${1}"; }
  if header :matches "From" "*" { set "from" "\${1}"; }
  notify :importance "3" :message "[SIEVE] \${from}: \${subject}" "mailto:alm@example.com";
  fileinto "INBOX.sieve"; }`
  const [notify] = runOver(script, { mail: 'From: boss@example.org\n\n' }).actions
  assert.deepEqual(notify, {
    kind: 'notify',
    line: 3,
    method: 'mailto:alm@example.com',
    importance: 'high',
    options: [],
    message: 'This is probably very important',
  })
  const list = runOver(script, { mail: 'From: a@b.c\nSubject: s\nTo: sievemailinglist@example.org\n\n' }).actions
  assert.deepEqual(
    list.map((action) => (action.kind === 'notify' ? action.message : action.kind)),
    ['[SIEVE] a@b.c: s', 'fileinto'],
  )
  assert.match(faultsOf('require "enotify"; notify :importance "4" "mailto:a@b.c";').join(), /the importance is/)
  assert.match(faultsOf('require "enotify"; notify "tel:+14085551212";').join(), /there is mailto/)
  assert.match(
    actionsOf('require ["enotify", "variables"]; set "m" "xmpp:tim@example.com"; notify "${m}";').join(),
    /error at line 1.*there is mailto/,
  )
})

test('RFC 5435 §4, §5, §6: methods and their capabilities', () => {
  assert.ok(!holds('valid_notify_method ["mailto:", "http://gw.example.net/notify?test"]', {}, ['enotify']))
  assert.ok(holds('valid_notify_method "mailto:a@example.org?subject=x&to=b%40example.org"', {}, ['enotify']))
  assert.ok(holds('notify_method_capability "mailto:a@example.org" "Online" ["yes", "maybe"]', {}, ['enotify']))
  assert.ok(!holds('notify_method_capability "mailto:a@example.org" "online" "yes"', {}, ['enotify']))
  assert.ok(!holds('notify_method_capability "tel:1" "online" "maybe"', {}, ['enotify']))
  assert.equal(methodProblem('mailto:alm@example.com?header-x=y'), undefined)
  for (const wrong of [
    'mailto:',
    'mailto:a',
    'mailto:a@b.c%ff',
    'mailto:a@b.c?subject',
    'mailto:a b@c.d',
    `mailto:${'a@b.c,'.repeat(10)}a@b.c`,
  ])
    assert.notEqual(methodProblem(wrong), undefined, wrong)
  const encoded =
    'require ["enotify", "variables", "fileinto"]; set :encodeurl "body_param" "Safe body&evil=evilbody ü"; fileinto "${body_param}";'
  assert.deepEqual(actionsOf(encoded), ['fileinto Safe%20body%26evil%3Devilbody%20%C3%BC'])
})

test('RFC 5490, RFC 8579: mailboxes that exist, are created, or have a use', () => {
  const answer = (question: Question): Answer => {
    if (question.kind === 'mailbox') return question.mailbox === 'Partners'
    return question.kind === 'specialUse' && question.use === '\\Archive' && question.mailbox !== 'Partners'
  }
  const partners = `require ["fileinto", "reject", "mailbox"];
if header :contains ["from"] "coyote" { discard; }
elsif header :contains ["subject"] ["$$$"] { discard; }
elsif not mailboxexists "Partners" { reject "x"; }
else { fileinto :create "Partners/x"; }`
  assert.deepEqual(actionsOf(partners, { answer }), ['fileinto Partners/x create'])
  assert.ok(!holds('mailboxexists ["Partners", "None"]', { answer }, ['mailbox']))
  assert.ok(holds(String.raw`specialuse_exists "\\Archive"`, { answer }, ['special-use']))
  assert.ok(!holds(String.raw`specialuse_exists ["\\Archive", "\\Junk"]`, { answer }, ['special-use']))
  assert.ok(!holds(String.raw`specialuse_exists "Partners" "\\Archive"`, { answer }, ['special-use']))
  assert.deepEqual(
    actionsOf(
      String.raw`require ["fileinto", "special-use", "mailbox"]; fileinto :specialuse "\\Junk" :create "Spam";`,
    ),
    ['fileinto Spam \\Junk create'],
  )
  assert.match(
    actionsOf('require ["fileinto", "special-use"]; fileinto :specialuse "Junk" "Spam";').join(),
    /no special use/,
  )
})

test('RFC 7352: what was seen before, and what is to be remembered', () => {
  const mail = 'Message-ID: <1@example.org>\nX-Event-ID: 7\n\n'
  const run = (test: string, seen: boolean, text = mail): { kind: string | undefined; remember: readonly object[] } => {
    const result = runOver(`require ["duplicate", "variables"];\nif ${test} { discard; }`, {
      mail: text,
      answer: answering({ duplicate: seen }),
    })
    return { kind: result.actions[0]?.kind, remember: result.remember }
  }
  const first = { kind: 'duplicate', handle: '', id: '<1@example.org>', seconds: 604_800, last: false }
  assert.deepEqual(run('duplicate', false), { kind: 'keep', remember: [first] })
  assert.deepEqual(run('duplicate', true), { kind: 'discard', remember: [] })
  assert.deepEqual(run('duplicate :header "message-id"', false).remember, [first])
  assert.deepEqual(run('allof (header :matches "message-id" "*", duplicate :uniqueid "${0}")', false).remember, [first])
  assert.deepEqual(run('duplicate :header "X-Event-ID" :handle "notifier" :seconds 600 :last', true), {
    kind: 'discard',
    remember: [{ kind: 'duplicate', handle: 'notifier', id: '7', seconds: 600, last: true }],
  })
  assert.deepEqual(run('duplicate', true, 'Subject: without an id\n\n'), { kind: 'keep', remember: [] })
  assert.match(
    faultsOf('require "duplicate"; if duplicate :header "a" :uniqueid "b" {}').join(),
    /cannot be used together/,
  )
  const failed = runOver('require ["duplicate", "ihave"]; if duplicate {} error "x";', {
    mail,
    answer: answering({ duplicate: false }),
  })
  assert.deepEqual(failed.remember, [])
})

test('RFC 5183: items of the environment', () => {
  const answer = (question: Question): Answer =>
    question.kind === 'environment' && question.name === 'location' ? 'MDA' : undefined
  assert.ok(holds('environment "location" "mda"', { answer }, ['environment']))
  assert.ok(holds('environment :contains "LOCATION" ""', { answer }, ['environment']))
  assert.ok(!holds('environment :contains "item" ""', { answer }, ['environment']))
})

test('regular expressions match the longest, set variables, and stay linear', () => {
  const script =
    'require ["regex", "variables", "fileinto"]; if header :regex "subject" "^\\\\[([a-z]+)(-[0-9]+)?\\\\] (a|ab)" { fileinto "${1}/${2}/${3}"; }'
  assert.deepEqual(actionsOf(script, { mail: 'Subject: [List-12] abc\n\n' }), ['fileinto List/-12/ab'])
  assert.deepEqual(actionsOf(script, { mail: 'Subject: [list] ax\n\n' }), ['fileinto list//a'])
  assert.ok(!holds('header :regex :comparator "i;octet" "x" "^A$"', { mail: 'X: a\n\n' }, ['regex']))
  assert.ok(holds('header :regex "x" "^[[:alpha:]]$"', { mail: 'X: a\n\n' }, ['regex']))
  assert.match(faultsOf('require "regex"; if header :regex "x" "(a" {}').join(), /no pattern that can be run/)
  assert.match(
    faultsOf(String.raw`require "regex"; if header :regex "x" "(a)\\1" {}`).join(),
    /no pattern that can be run/,
  )
  assert.ok(!holds('header :regex "x" "^(a|a)*$"', { mail: `X: ${'a'.repeat(40)}b\n\n` }, ['regex']))
  const quoted = 'require ["regex", "variables", "fileinto"]; set :quoteregex "a" "a.b*"; fileinto "${a}";'
  assert.deepEqual(actionsOf(quoted), ['fileinto a\\.b\\*'])
})

test('a run stops where it costs too much', () => {
  const slow =
    'require "variables"; set "a" "' +
    'a'.repeat(4000) +
    '"; ' +
    'if string :matches "${a}" "*a?*a?*a?*b" { }'.repeat(10)
  assert.deepEqual(actionsOf(slow), ['keep'])
  assert.match(actionsOf(slow, { limits: { stepsMax: 100 } }).join(), /the script takes too many steps/)
})

test('a string of many variables is bounded, and many such strings end the run', () => {
  const set = `require ["variables", "fileinto"]; set "a" "${'x'.repeat(16_384)}";`
  const many = '${a}'.repeat(1_000)
  assert.deepEqual(actionsOf(`${set} set :length "n" "${many}"; fileinto "\${n}";`), ['fileinto 16384'])
  const list = Array.from({ length: 2_000 }, () => `"${'${a}'.repeat(100)}"`).join(',')
  assert.match(actionsOf(`${set} if string [${list}] "y" { discard; }`).join(), /too many steps/)
})

test('a pattern costs what it is large, and one that is made up while it runs as well', () => {
  const mail = `X: ${'a'.repeat(60_000)}\n\n`
  const test = 'if header :regex "x" "^[a-z]{900}b" { discard; }\n'
  assert.deepEqual(actionsOf(`require "regex";\n${test}`, { mail }), ['keep'])
  assert.match(actionsOf(`require "regex";\n${test.repeat(30)}`, { mail }).join(), /too many steps/)
  const made = `require ["regex", "variables"]; set "a" "${'(a|b)'.repeat(300)}"; ${'if string :regex "x" "${a}" { }'.repeat(700)}`
  assert.match(actionsOf(made).join(), /too many steps/)
})

test('RFC 9042: mailboxes by their ids', () => {
  const id = 'F6352ae03-b7f5-463c-896f-d8b48ee3'
  const answer = (question: Question): Answer => question.kind === 'mailboxId' && question.mailboxId === id
  const script = `require ["fileinto", "mailboxid"];
if header :contains ["from"] "coyote" {
  if mailboxidexists "${id}" { fileinto :mailboxid "${id}" "INBOX.name.will.not.be.used"; }
  else { fileinto "INBOX.harassment"; }
}`
  const [into] = runOver(script, { mail: 'From: coyote\n\n', answer }).actions
  assert.ok(into?.kind === 'fileinto')
  assert.deepEqual([into.mailboxId, into.mailbox], [id, 'INBOX.name.will.not.be.used'])
  assert.deepEqual(actionsOf(script, { mail: 'From: coyote\n\n', answer: () => false }), ['fileinto INBOX.harassment'])
  assert.ok(!holds('mailboxidexists ["no id"]', { answer: () => true }, ['mailboxid']))
  const create =
    'require ["fileinto", "mailboxid", "mailbox"]; fileinto :mailboxid "Fnosuch" :create "INBOX.no-such-folder";'
  assert.deepEqual(actionsOf(create), ['fileinto INBOX.no-such-folder create'])
  const both = String.raw`require ["fileinto", "mailboxid", "special-use"]; fileinto :mailboxid "F" :specialuse "\\Junk" "x";`
  assert.match(faultsOf(both).join(), /cannot be used together/)
})

test('RFC 8580: a copy of what is sent is filed', () => {
  const script = String.raw`require ["vacation", "fcc", "mailbox", "special-use", "imap4flags"];
vacation :days 7 :from "hemingway@example.com" :specialuse "\\Sent" :create :fcc "INBOX.Sent" :flags ["\\Seen"] "Gone Fishin'";`
  const [vacation] = runOver(script).actions
  assert.ok(vacation?.kind === 'vacation')
  assert.deepEqual(vacation.fcc, { mailbox: 'INBOX.Sent', create: true, flags: ['\\Seen'], specialUse: '\\Sent' })
  const [notify] = runOver(`require ["enotify", "fcc", "mailboxid"];
notify :fcc "INBOX.Sent" :mailboxid "F6352ae03-b7f5-463c-896f-d8b48ee3" :message "You got mail!" "mailto:ken@example.com";`).actions
  assert.ok(notify?.kind === 'notify')
  assert.deepEqual(notify.fcc, { mailbox: 'INBOX.Sent', create: false, mailboxId: 'F6352ae03-b7f5-463c-896f-d8b48ee3' })
  assert.match(
    faultsOf('require ["vacation", "fcc", "mailbox"]; vacation :create "x";').join(),
    /:create stands beside :fcc only/,
  )
  assert.match(faultsOf('require ["vacation", "fcc"]; vacation :fcc "a" :create "x";').join(), /add: require "mailbox"/)
  assert.match(faultsOf('require "vacation"; vacation :fcc "a" "x";').join(), /add: require "fcc"/)
})
