/** RFC 5230 and RFC 6131: what the action says, and what must not be answered. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actionsOf, faultsOf, runOver } from '../../test/support/sieve.ts'
import { parseHeader } from '../mail/header.ts'
import type { Vacation } from './result.ts'
import { vacationRefusal } from './vacation-refusal.ts'

function vacationOf(script: string, mail?: string): Vacation {
  const [action] = runOver(script, mail === undefined ? {} : { mail }).actions
  assert.equal(action?.kind, 'vacation')
  return action as Vacation
}

test('RFC 5230 §4.8: the simple example', () => {
  const script = `require "vacation";
vacation :days 23 :addresses ["tjs@example.edu", "ts4z@landru.example.edu"]
"I'm away until October 19.
If it's an emergency, call 911, I guess." ;`
  const { seconds, addresses, reason, mime } = vacationOf(script)
  assert.deepEqual(
    { seconds, addresses, reason, mime },
    {
      seconds: 23 * 86_400,
      addresses: ['tjs@example.edu', 'ts4z@landru.example.edu'],
      reason: "I'm away until October 19.\r\nIf it's an emergency, call 911, I guess.",
      mime: false,
    },
  )
  assert.deepEqual(actionsOf(script).slice(1), ['keep'])
})

test('RFC 5230 §4.8: mingled with other rules', () => {
  const script = `require "vacation";
if header :contains "from" "boss@example.edu" {
   redirect "pleeb@isp.example.org";
} else {
   vacation "Sorry, I'm away, I'll read your
message when I get around to it.";
}`
  assert.deepEqual(actionsOf(script, { mail: 'From: boss@example.edu\n\n' }), ['redirect pleeb@isp.example.org'])
  assert.deepEqual(actionsOf(script), [
    "vacation Sorry, I'm away, I'll read your\r\nmessage when I get around to it.",
    'keep',
  ])
})

test('RFC 5230 §4.1: seven days by default, and one at least', () => {
  assert.equal(vacationOf('require "vacation"; vacation "x";').seconds, 7 * 86_400)
  assert.equal(vacationOf('require "vacation"; vacation :days 0 "x";').seconds, 86_400)
})

test('RFC 5230 §4.2: a reply is known by its arguments, before variables are put in', () => {
  const cyrus = (subject: string): string => {
    const script = `require "vacation";
if header :contains "subject" "cyrus" { vacation "I'm out -- send mail to cyrus-bugs"; }
else { vacation "I'm out -- call me at +1 304 555 0123"; }`
    return vacationOf(script, `Subject: ${subject}\n\n`).handle
  }
  assert.notEqual(cyrus('Cyrus bug'), cyrus('come over for dinner'))
  const away = (subject: string): Vacation =>
    vacationOf(
      `require ["vacation", "variables"];
if header :matches "subject" "*" {
  vacation :subject "Automatic response to: \${1}" "I'm away -- send mail to foo in my absence";
}`,
      `Subject: ${subject}\n\n`,
    )
  assert.equal(away('one').handle, away('two').handle)
  assert.equal(away('one').subject, 'Automatic response to: one')
  const handled = (subject: string): string =>
    vacationOf(
      `require "vacation";
if header :contains "subject" "lunch" { vacation :handle "ran-away" "I'm out and can't meet for lunch"; }
else { vacation :handle "ran-away" "I'm out"; }`,
      `Subject: ${subject}\n\n`,
    ).handle
  assert.equal(handled('lunch?'), handled('dinner?'))
  // The same string in another place is another reply.
  const subject = vacationOf('require "vacation"; vacation :subject "a@example.org" "x";')
  const from = vacationOf('require "vacation"; vacation :from "a@example.org" "x";')
  assert.notEqual(subject.handle, from.handle)
})

test('RFC 5230 §4.4: a MIME entity is marked as such', () => {
  const script = `require "vacation";
vacation :mime text:
Content-Type: multipart/alternative; boundary=foo

--foo

I'm at the beach relaxing.  Mmmm, surf...
--foo--
.
;`
  const { mime, reason } = vacationOf(script)
  assert.ok(mime)
  assert.match(reason, /^Content-Type: multipart\/alternative; boundary=foo\r\n\r\n--foo\r\n/)
})

test('RFC 5230 §4.7: once in a script, and not with reject', () => {
  assert.match(actionsOf('require "vacation"; vacation "x"; vacation "y";').join(), /vacation can be used once only/)
  assert.match(
    actionsOf('require ["vacation", "reject"]; vacation "x"; reject "y";').join(),
    /reject cannot be used together with vacation/,
  )
  assert.match(
    actionsOf('require ["vacation", "reject"]; reject "y"; vacation "x";').join(),
    /reject cannot be used together with vacation/,
  )
})

test('RFC 5230 §7: languages', () => {
  const script = `require "vacation";
if header :contains ["accept-language", "content-language"] "en" { vacation "I am away this week."; }
else { vacation "Estoy ausente esta semana."; }`
  assert.equal(vacationOf(script, 'Accept-Language: en\n\n').reason, 'I am away this week.')
  assert.equal(vacationOf(script).reason, 'Estoy ausente esta semana.')
  const fishing = `require "vacation";
if address :matches "from" "*@ourdivision.example.com" { vacation :subject "Gone fishing" "Having lots of fun!"; }
else { vacation :subject "Je suis parti cette semaine" "Je lirai votre message quand je retourne."; }`
  assert.equal(vacationOf(fishing, 'From: a@ourdivision.example.com\n\n').subject, 'Gone fishing')
  assert.equal(vacationOf(fishing).subject, 'Je suis parti cette semaine')
})

test('RFC 5230 §4.3: an address to answer from must be one', () => {
  assert.match(faultsOf('require "vacation"; vacation :from "nobody here" "x";').join(), /is no address/)
  assert.equal(
    vacationOf('require "vacation"; vacation :from "Tim <tim@example.com>" "x";').from,
    'Tim <tim@example.com>',
  )
})

test('RFC 6131: seconds in the place of days', () => {
  assert.equal(
    vacationOf('require ["vacation", "vacation-seconds"]; vacation :addresses ["a@b.c"] :seconds 1800 "x";').seconds,
    1800,
  )
  // vacation is required with it.
  assert.equal(vacationOf('require "vacation-seconds"; vacation :seconds 0 "x";').seconds, 0)
  assert.match(
    faultsOf('require "vacation-seconds"; vacation :days 1 :seconds 0 "x";').join(),
    /cannot be used together/,
  )
  assert.match(faultsOf('require "vacation"; vacation :seconds 0 "x";').join(), /add: require "vacation-seconds"/)
})

const to = { localPart: 'me', domain: 'example.org' }
const refusal = (
  mail: string,
  from: string | null | undefined = 'a@example.com',
  own: string[] = [],
): string | undefined => {
  const [localPart = '', domain = ''] = from?.split('@') ?? []
  const envelope = from === undefined ? { to } : { from: from === null ? null : { localPart, domain }, to }
  return vacationRefusal(parseHeader(Buffer.from(`${mail}\n\n`.replaceAll('\n', '\r\n'))), envelope, own)
}

test('RFC 5230 §4.5: what names the recipient is answered', () => {
  assert.equal(refusal('To: me@example.org'), undefined)
  assert.equal(refusal('Cc: Me <ME@example.org>'), undefined)
  assert.equal(refusal('Resent-To: x@y.z, group: me@example.org;'), undefined)
  assert.equal(refusal('To: alias@example.org', 'a@example.com', ['alias@example.org']), undefined)
  assert.match(refusal('To: list@example.org')!, /not named in To/)
  assert.match(refusal('Subject: me@example.org')!, /not named in To/)
})

test('RFC 5230 §4.6, RFC 3834 §2: lists, programs, bounces and automatic messages are not answered', () => {
  const named = 'To: me@example.org\n'
  assert.match(refusal(named, null)!, /bounce/)
  assert.match(vacationRefusal(parseHeader(Buffer.from(named)), { to }, [])!, /not known/)
  for (const field of ['List-Id: <x>', 'List-Unsubscribe: <x>', 'List-Post: NO'])
    assert.match(refusal(named + field)!, /mailing list/)
  for (const value of ['auto-replied', 'auto-generated; a=b', '(no) auto-notified'])
    assert.match(refusal(`${named}Auto-Submitted: ${value}`)!, /made automatically/)
  assert.equal(refusal(`${named}Auto-Submitted: no`), undefined)
  assert.equal(refusal(`${named}Auto-Submitted: (really) No; x=y`), undefined)
  assert.match(refusal(`${named}Precedence: bulk`)!, /bulk/)
  assert.match(refusal(`${named}X-Auto-Response-Suppress: OOF, DR`)!, /no automatic/)
  for (const from of [
    'MAILER-DAEMON@x.org',
    'owner-list@x.org',
    'list-request@x.org',
    'noreply@x.org',
    'LISTSERV@x.org',
  ])
    assert.match(refusal(named, from)!, /program/, from)
  assert.equal(refusal(named, 'postmaster@x.org'), undefined)
  assert.match(refusal(named, 'me@example.org')!, /is the recipient/)
})
