/** RFC 5228: its examples, and what its sections say. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { actionsOf, faultsOf, holds, runOver } from '../../test/support/sieve.ts'

const coyote = `From: coyote@desert.example.org
To: roadrunner@acme.example.com
Subject: I have a present for you

Look, I'm sorry about the whole anvil thing.
`

test('RFC 5228 §2.4.2.2: header fields are found in any case, and unfolded', () => {
  assert.ok(holds('header "SUBJECT" "I have a present for you"', { mail: coyote }))
  assert.ok(holds('header :contains "subject" "two lines"', { mail: 'Subject: in two\n lines\n\n' }))
  assert.ok(!holds('header :contains "sub ject" ""', { mail: coyote }))
})

test('RFC 5228 §2.4.2.4: encoded characters', () => {
  const needs = ['encoded-character']
  for (const [written, meant] of [
    ['$${hex:40}', '$@'],
    ['${hex: 40 }', '@'],
    ['${HEX: 40}', '@'],
    ['${hex:40', '${hex:40'],
    ['${hex:400}', '${hex:400}'],
    ['${hex:4${hex:30}}', '${hex:40}'],
    ['${unicode:40}', '@'],
    ['${ unicode:40}', '${ unicode:40}'],
    ['${UNICODE:40}', '@'],
    ['${UnICoDE:0000040}', '@'],
    ['${Unicode:40}', '@'],
    ['${Unicode:40 20AC}', '@€'],
    ['${hex:e2 82}${hex:ac}', '€'],
  ] as const)
    assert.ok(holds(`header :is :comparator "i;octet" "X" "${written}"`, { mail: `X: ${meant}\n\n` }, needs), written)
  assert.match(faultsOf('require "encoded-character"; redirect "${unicode:200000}";').join(), /Unicode does not have/)
  assert.match(faultsOf('require "encoded-character"; redirect "${Unicode:DF01}";').join(), /Unicode does not have/)
  assert.match(faultsOf('require "encoded-character"; redirect "${hex:ff}";').join(), /not UTF-8/)
})

test('RFC 5228 §2.7.1: is, contains and matches', () => {
  const mail = 'X: frobnitzm\nY:\n\n'
  assert.ok(holds('header :contains "x" "frob"', { mail }))
  assert.ok(holds('header :contains "x" "nit"', { mail }))
  assert.ok(!holds('header :contains "x" "fbm"', { mail }))
  assert.ok(holds('header :contains "x" ""', { mail }))
  assert.ok(holds('header :is "x" "frobnitzm"', { mail }))
  assert.ok(!holds('header :is "x" ""', { mail }))
  assert.ok(holds('header :is "y" ""', { mail }))
  assert.ok(!holds('header :is "z" ""', { mail }))
  assert.ok(holds('header :matches "x" "f*n?tz?"', { mail }))
  assert.ok(!holds('header :matches "x" "f*n?t"', { mail }))
})

test('a backslash before a wildcard means the character', () => {
  const mail = 'Subject: what? *now* \\\n\n'
  assert.ok(holds(String.raw`header :matches "subject" "*\\? \\*now\\* \\\\"`, { mail }))
  assert.ok(!holds(String.raw`header :matches "subject" "what\\* *"`, { mail }))
})

test('RFC 5228 §2.7.2: encoded words are text', () => {
  const mail = 'Subject: =?iso-8859-1?q?caf=E9?= =?utf-8?b?w7xiZXI=?=\n\n'
  assert.ok(holds('header :is "subject" "caféüber"', { mail }))
  assert.ok(holds('header :matches :comparator "i;octet" "subject" "caf?über"', { mail }))
})

test('RFC 5228 §2.7.3: comparators differ in case', () => {
  const mail = 'Subject: HeLLo É\n\n'
  assert.ok(holds('header :is "subject" "hello É"', { mail }))
  assert.ok(!holds('header :is "subject" "hello é"', { mail }))
  assert.ok(!holds('header :comparator "i;octet" "subject" "hello É"', { mail }))
  assert.ok(
    holds('header :comparator "i;unicode-casemap" "subject" "hello é"', { mail }, ['comparator-i;unicode-casemap']),
  )
  assert.match(
    faultsOf('if header :comparator "i;ascii-numeric" "a" "1" {}').join(),
    /add: require "comparator-i;ascii-numeric"/,
  )
  assert.match(faultsOf('if header :comparator "i;octett" "a" "1" {}').join(), /did you mean "i;octet"/)
  assert.match(
    faultsOf(
      'require "comparator-i;ascii-numeric"; if header :contains :comparator "i;ascii-numeric" "a" "1" {}',
    ).join(),
    /:contains cannot be used with the comparator/,
  )
})

test('RFC 5228 §2.7.4: parts of addresses', () => {
  const mail = 'From: Tim <tim@example.com>\nTo: "A, B" <a.b@EXAMPLE.org>, group: c@example.net;\n\n'
  assert.ok(holds('address :is :all "from" "tim@example.com"', { mail }))
  assert.ok(holds('address :localpart "to" "a.b"', { mail }))
  assert.ok(holds('address :domain "to" "example.org"', { mail }))
  assert.ok(holds('address "to" "c@example.net"', { mail }))
  assert.ok(!holds('address :contains ["from", "to"] "Tim <"', { mail }))
  assert.match(faultsOf('if address "subject" "x" {}').join(), /no field of addresses/)
})

test('RFC 5228 §2.10.2: without an action the message is kept', () => {
  assert.deepEqual(actionsOf('if size :over 500K { discard; }'), ['keep'])
  assert.deepEqual(actionsOf(''), ['keep'])
  assert.deepEqual(actionsOf('discard;'), ['discard'])
  assert.deepEqual(actionsOf('discard; keep;'), ['discard', 'keep'])
})

test('RFC 5228 §2.10.3: a message is filed once in a mailbox', () => {
  assert.deepEqual(
    actionsOf(
      'require "fileinto"; fileinto "a"; fileinto "a"; keep; fileinto "INBOX"; redirect "a@b.c"; redirect "a@b.c";',
    ),
    ['fileinto a', 'keep', 'redirect a@b.c'],
  )
})

test('RFC 5228 §2.10.4: actions are limited, and an error keeps the message', () => {
  const redirects = Array.from({ length: 5 }, (_, at) => `redirect "a${at}@example.org";`).join('\n')
  const result = runOver(redirects)
  assert.deepEqual(
    { ...result, steps: undefined },
    {
      kind: 'error',
      line: 5,
      problem: 'a run may take 4 times the action redirect',
      actions: [{ kind: 'keep', line: 0, edits: [], copy: false }],
      remember: [],
      steps: undefined,
    },
  )
})

test('RFC 5228 §2.10.5: what is not required cannot be used', () => {
  assert.deepEqual(faultsOf('fileinto "x";'), [
    'line 1, column 1: "fileinto" cannot be used without its extension; add: require "fileinto";',
  ])
  assert.deepEqual(faultsOf('require "envelope"; if envelope :detail "to" "x" {}'), [
    'line 1, column 33: :detail cannot be used without its extension; add: require "subaddress";',
  ])
  assert.match(faultsOf('keep; require "fileinto";').join(), /must stand before all other commands/)
})

const rabbit = `require "fileinto";
if header :contains "from" "coyote" {
   discard;
} elsif header :contains ["subject"] ["$$$"] {
   discard;
} else {
   fileinto "INBOX.x";
}`

test('RFC 5228 §3.1: if, elsif and else', () => {
  assert.deepEqual(actionsOf(rabbit, { mail: coyote }), ['discard'])
  assert.deepEqual(actionsOf(rabbit, { mail: 'Subject: $$$ fast\n\n' }), ['discard'])
  assert.deepEqual(actionsOf(rabbit), ['fileinto INBOX.x'])
  assert.match(faultsOf('else { keep; }').join(), /"else" must follow the block/)
  assert.match(faultsOf('if true { } else { } elsif true { }').join(), /"elsif" must follow the block/)
  assert.match(faultsOf('if true;').join(), /must be followed by a block/)
  assert.match(faultsOf('keep { }').join(), /takes no block/)
})

test('RFC 5228 §3.3: stop ends the script, out of blocks too', () => {
  assert.deepEqual(actionsOf('if true { stop; } discard;'), ['keep'])
})

test('RFC 5228 §4.2: redirect takes an address', () => {
  assert.deepEqual(actionsOf('redirect "bart@example.com";'), ['redirect bart@example.com'])
  assert.match(faultsOf('redirect "bart";').join(), /"bart" is no address/)
})

test('RFC 5228 §5.2, §5.3, §5.6, §5.8, §5.10: tests of tests', () => {
  assert.ok(holds('allof (true, true)'))
  assert.ok(!holds('allof (true, false)'))
  assert.ok(holds('anyof (false, true)'))
  assert.ok(!holds('anyof (false, not true)'))
  assert.ok(holds('not false'))
  assert.match(faultsOf('if allof true {}').join(), /a list of tests in parentheses/)
  assert.match(faultsOf('if not (true) {}').join(), /takes one test/)
})

test('RFC 5228 §5.4: the envelope', () => {
  const world = { from: 'tim@example.com', to: 'me@example.org' }
  assert.ok(holds('envelope :all :is "from" "tim@example.com"', world, ['envelope']))
  assert.ok(holds('envelope :domain "TO" "example.org"', world, ['envelope']))
  for (const part of ['all', 'domain', 'localpart'])
    assert.ok(holds(`envelope :${part} :is "from" ""`, { from: '' }, ['envelope']), part)
  assert.ok(!holds('envelope :contains "from" ""', {}, ['envelope']))
  assert.match(faultsOf('require "envelope"; if envelope "sender" "x" {}').join(), /no part "sender"/)
})

test('RFC 5228 §5.5: exists wants them all', () => {
  assert.ok(holds('exists ["From", "Subject"]', { mail: coyote }))
  assert.ok(!holds('exists ["From", "Date"]', { mail: coyote }))
  assert.deepEqual(actionsOf('if not exists ["From","Date"] { discard; }', { mail: coyote }), ['discard'])
})

test('RFC 5228 §5.7: a key of a list may match any field of a list', () => {
  const mail = 'X-Caffeine: C8H10N4O2  \n\n'
  assert.ok(holds('header :is ["X-Caffeine"] ["a", "c8h10n4o2"]', { mail }))
  assert.ok(!holds('header :is ["X-Caffeine"] [""]', { mail }))
  assert.ok(holds('header :contains ["X-Caffeine"] [""]', { mail }))
})

test('RFC 5228 §5.9: a size is above or below, or neither', () => {
  const mail = `Subject: x\n\n${'y'.repeat(86)}`
  assert.ok(!holds('size :over 100', { mail }))
  assert.ok(!holds('size :under 100', { mail }))
  assert.ok(holds('size :over 99', { mail }))
  assert.match(faultsOf('if size 100 {}').join(), /needs :over or :under/)
  assert.match(faultsOf('if size :over :under 100 {}').join(), /cannot be used together/)
})

const extended = `
require ["fileinto"];
if header :is "Sender" "owner-ietf-mta-filters@imc.org" { fileinto "filter"; }
elsif address :DOMAIN :is ["From", "To"] "example.com" { keep; }
elsif anyof (NOT address :all :contains ["To", "Cc", "Bcc"] "me@example.com",
             header :matches "subject" ["*make*money*fast*", "*university*dipl*mas*"]) { fileinto "spam"; }
else { fileinto "personal"; }
`

test('RFC 5228 §9: the extended example', () => {
  assert.deepEqual(actionsOf(extended, { mail: 'Sender: owner-ietf-mta-filters@imc.org\n\n' }), ['fileinto filter'])
  assert.deepEqual(actionsOf(extended, { mail: 'From: a@example.com\n\n' }), ['keep'])
  assert.deepEqual(actionsOf(extended, { mail: 'From: a@x.org\nTo: b@x.org\n\n' }), ['fileinto spam'])
  const mine = 'From: a@x.org\nTo: me@example.com.x.org\nSubject: '
  assert.deepEqual(actionsOf(extended, { mail: `${mine}you can make a lot of money very fast today\n\n` }), [
    'fileinto spam',
  ])
  assert.deepEqual(actionsOf(extended, { mail: `${mine}lunch\n\n` }), ['fileinto personal'])
})

test('arguments are checked: kinds, count, order, tags', () => {
  assert.match(
    faultsOf('if header "a" {}').join(),
    /"header" needs 2 arguments: a string or a list of strings for "keys"/,
  )
  assert.match(faultsOf('if header "a" "b" "c" {}').join(), /one too many/)
  assert.match(faultsOf('if header "a" 5 {}').join(), /must be a string or a list/)
  assert.match(faultsOf('if size :over "5" {}').join(), /numbers stand without quotation marks/)
  assert.match(faultsOf('if header "a" :is "b" {}').join(), /:is must stand before/)
  assert.match(faultsOf('if header :is :is "a" "b" {}').join(), /:is is given twice/)
  assert.match(faultsOf('if header :contain "a" "b" {}').join(), /did you mean :contains\?/)
  assert.match(faultsOf('if header :comparator :is "a" "b" {}').join(), /:comparator must be followed by a string/)
  assert.match(faultsOf('header "a" "b";').join(), /"header" is a test; tests stand behind "if"/)
  assert.match(faultsOf('if keep {}').join(), /"keep" is an action, no test/)
})

test('each step of a run says why', () => {
  const { steps } = runOver('if allof (header :contains "subject" "present", not exists "x") {\n  discard;\n}', {
    mail: coyote,
    explain: true,
  })
  assert.deepEqual(steps, [
    {
      line: 1,
      name: 'header',
      held: true,
      because: '"subject" is "I have a present for you", which contains "present"',
    },
    { line: 1, name: 'exists', held: false, because: 'there is no "x"' },
    { line: 1, name: 'not', held: true },
    { line: 1, name: 'allof', held: true },
    { line: 2, name: 'discard' },
  ])
})

/** What RFC 5228 §2.7.1 says of wildcards, by trying everything. */
function slowMatch(pattern: string, value: string): boolean {
  if (pattern === '') return value === ''
  if (pattern[0] === '*')
    return slowMatch(pattern.slice(1), value) || (value !== '' && slowMatch(pattern, value.slice(1)))
  return value !== '' && (pattern[0] === '?' || pattern[0] === value[0]) && slowMatch(pattern.slice(1), value.slice(1))
}

test('wildcards match as a search through all ways says', () => {
  const text = (chars: string[], maxLength: number) =>
    fc.array(fc.constantFrom(...chars), { maxLength }).map((list) => list.join(''))
  fc.assert(
    fc.property(text(['a', 'b', '*', '?'], 7), text(['a', 'b'], 9), (pattern, value) => {
      assert.equal(holds(`header :matches "x" "${pattern}"`, { mail: `X: ${value}\n\n` }), slowMatch(pattern, value))
    }),
    { numRuns: 1500 },
  )
})
