/** RFC 5229, RFC 6609, RFC 5463: variables, included scripts, and extensions that may be missing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actionsOf, compiledScript, faultsOf, holds, runOver } from '../../test/support/sieve.ts'
import { sieveLimits } from './limits.ts'
import type { Answer, Question } from './question.ts'

const needs = ['variables', 'relational', 'comparator-i;ascii-numeric']

/** What a string becomes. */
function expanded(text: string, before = '', mail?: string): string {
  const actions = actionsOf(
    `require ["variables", "fileinto", "encoded-character"];\n${before}\nfileinto "<${text}>";`,
    mail === undefined ? {} : { mail },
  )
  return /^fileinto <([^]*)>$/.exec(actions[0]!)?.[1] ?? actions.join()
}

test('RFC 5229 §3: what is a reference, and what is not', () => {
  const before = 'set "company" "ACME";'
  assert.equal(expanded('&%${}!', before), '&%${}!')
  assert.equal(expanded('${doh!}', before), '${doh!}')
  assert.equal(expanded('${full}', before), '')
  assert.equal(expanded('${company}', before), 'ACME')
  assert.equal(expanded('${BAD${Company}', before), '${BADACME')
  assert.equal(expanded('${President, ${Company} Inc.}', before), '${President, ACME Inc.}')
})

test('RFC 5229 §3.1: quoting comes first, then encoded characters, then variables', () => {
  const before = 'set "foo" "bar";'
  assert.equal(expanded('${fo\\o}', before), 'bar')
  assert.equal(expanded('${fo\\\\o}', before), '${fo\\o}')
  assert.equal(expanded('\\${foo}', before), 'bar')
  assert.equal(expanded('\\\\${foo}', before), '\\bar')
  assert.equal(expanded('${dollar}{beep}', 'set "dollar" "$";'), '${beep}')
  assert.equal(expanded('dear${hex:20 24 7b 4e}ame}', 'set "name" "Ethelbert";'), 'dear Ethelbert')
})

test('RFC 5229 §3.2: match variables', () => {
  const script = (test: string, mailbox: string): string =>
    `require ["fileinto", "variables"]; if ${test} { fileinto "INBOX.${mailbox}"; stop; } fileinto "none\${1}";`
  const list = script('header :matches "List-ID" "*<*@*"', 'lists.${2}')
  assert.deepEqual(actionsOf(list, { mail: 'List-ID: Sieve <sieve@ietf.org>\n\n' }), ['fileinto INBOX.lists.sieve'])
  const subject = script('header :matches "Subject" "[*] *"', '${1}.${2}')
  assert.deepEqual(actionsOf(subject, { mail: 'Subject: [acme-users] [fwd] version 1.0 is out\n\n' }), [
    'fileinto INBOX.acme-users.[fwd] version 1.0 is out',
  ])
  const business = script('address :matches ["To", "Cc"] ["coyote@**.com", "wile@**.com"]', 'business.${0}.${1}.${2}')
  assert.deepEqual(actionsOf(business, { mail: 'To: coyote@ACME.Example.COM\n\n' }), [
    'fileinto INBOX.business.coyote@ACME.Example.COM..ACME.Example',
  ])
  assert.deepEqual(actionsOf(business), ['fileinto none'])
  const never = script('anyof (true, address :domain :matches "To" "*.com")', 'x${1}')
  assert.deepEqual(actionsOf(never, { mail: 'To: a@b.com\n\n' }), ['fileinto INBOX.x'])
})

test('match variables hold the text as it is, also where it was folded', () => {
  const script = `require ["fileinto", "variables", "comparator-i;unicode-casemap"];
if header :matches :comparator "i;unicode-casemap" "Subject" "É?*ß" { fileinto "\${1}|\${2}"; }`
  assert.deepEqual(actionsOf(script, { mail: 'Subject: éÀﬁxß\n\n' }), ['fileinto À|ﬁx'])
})

test('a match variable that is not there is empty, and none can be set', () => {
  assert.equal(expanded('${7}${00}'), '')
  assert.match(faultsOf('require "variables"; redirect "${100}";').join(), /99 match variables/)
  assert.match(faultsOf('require "variables"; set "1" "x";').join(), /no name of a variable/)
  assert.match(faultsOf('require "variables"; set "a b" "x";').join(), /no name of a variable/)
  assert.match(faultsOf('require "variables"; set "${a}" "x";').join(), /must not hold variables/)
  assert.match(faultsOf('require "variables"; redirect "${foo.bar}";').join(), /no namespace "foo"/)
  assert.match(faultsOf('require "variables"; set "global.a" "x";').join(), /cannot be set/)
})

test('RFC 5229 §4: a variable holds what was set last', () => {
  const before = 'set "honorific" "Mr"; set "first_name" "Wile"; set "last_name" "Coyote";'
  assert.equal(expanded('Dear ${HONORIFIC} ${last_name},', before), 'Dear Mr Coyote,')
})

test('RFC 5229 §4.1: modifiers', () => {
  const set = (modifiers: string, value: string): string =>
    expanded('${b}', `set "a" "juMBlEd lETteRS"; set ${modifiers} "b" "${value}";`)
  assert.equal(set('', '${a}'), 'juMBlEd lETteRS')
  assert.equal(set(':length', '${a}'), '15')
  assert.equal(set(':length', 'é€𝄞'), '3')
  assert.equal(set(':lower', '${a}'), 'jumbled letters')
  assert.equal(set(':upper', 'straße é'), 'STRAßE é')
  assert.equal(set(':upperfirst', '${a}'), 'JuMBlEd lETteRS')
  assert.equal(set(':lowerfirst', 'ABC'), 'aBC')
  assert.equal(set(':upperfirst :lower', '${a}'), 'Jumbled letters')
  assert.equal(set(':quotewildcard', 'Rock*'), 'Rock\\*')
  assert.equal(set(':length :quotewildcard', 'a?b'), '4')
  assert.match(faultsOf('require "variables"; set :lower :upper "a" "b";').join(), /cannot be used together/)
  assert.match(faultsOf('require "variables"; set :title "a" "b";').join(), /no tag :title/)
})

test('RFC 5229 §5: strings are tested', () => {
  const script =
    'require "variables"; set "state" "${state} pending"; if string :matches " ${state} " "* pending *" { discard; }'
  assert.deepEqual(actionsOf(script), ['discard'])
  assert.ok(holds('string :count "eq" :comparator "i;ascii-numeric" ["", "a", "b"] "2"', {}, needs))
  assert.ok(!holds('string " a " "a"', {}, needs))
})

test('RFC 5229 §6: 128 variables of 4000 characters, and what is longer is cut', () => {
  const many = Array.from({ length: 128 }, (_, at) => `set "v${at}" "${'x'.repeat(4000)}";`).join('\n')
  assert.deepEqual(actionsOf(`require "variables";\n${many}`), ['keep'])
  const { variableLengthMax, variablesMax } = sieveLimits
  const doubled = `set "a" "1234567890"; ${'set "a" "${a}${a}";'.repeat(40)} set :length "n" "\${a}";`
  assert.equal(expanded('${n}', doubled), String(variableLengthMax))
  const tooMany = Array.from({ length: variablesMax + 1 }, (_, at) => `set "v${at}" "";`).join('\n')
  assert.match(actionsOf(`require "variables";\n${tooMany}`).join(), /may set 256 variables/)
})

/** Scripts that can be included. */
const scripts =
  (sources: Record<string, string>) =>
  (question: Question): Answer => {
    const source = question.kind === 'script' ? sources[`${question.location}/${question.name}`] : undefined
    return source === undefined ? undefined : compiledScript(source)
  }

test('RFC 6609 §3.2: scripts include others', () => {
  const answer = scripts({
    'personal/always_allow':
      'if address :is "from" "boss@example.com" { keep; } elsif address :is "from" "ceo@example.com" { keep; }',
    'global/spam_tests': `require ["reject"];
if anyof (header :contains "Subject" "$$", header :contains "Subject" "Make money") { reject "No thank you."; }`,
    'personal/spam_tests': `require ["reject"];
if header :contains "Subject" "XXXX" { reject "Subject XXXX is unacceptable."; }
elsif address :is "from" "money@example.com" { reject "Mail from this sender is unwelcome."; }`,
    'personal/mailing_lists': `require ["fileinto"];
if header :is "List-ID" "sieve.ietf.org" { fileinto "lists.sieve"; }
elsif header :is "List-ID" "ietf-imapext.imc.org" { fileinto "lists.imapext"; }`,
  })
  const main = `require ["include"];
include :personal "always_allow"; include :global "spam_tests"; include :personal "spam_tests"; include :personal "mailing_lists";`
  assert.deepEqual(actionsOf(main, { answer, mail: 'From: boss@example.com\n\n' }), ['keep'])
  assert.deepEqual(actionsOf(main, { answer, mail: 'Subject: Make money\n\n' }), ['reject No thank you.'])
  assert.deepEqual(actionsOf(main, { answer, mail: 'From: money@example.com\n\n' }), [
    'reject Mail from this sender is unwelcome.',
  ])
  assert.deepEqual(actionsOf(main, { answer, mail: 'List-ID: sieve.ietf.org\n\n' }), ['fileinto lists.sieve'])
})

test('RFC 6609 §3.4.1: variables are shared if they are global', () => {
  const answer = scripts({
    'personal/subject_tests': `require ["include", "variables"];
global ["test", "test_mailbox"];
if header :contains "Subject" "\${test}" { set "test_mailbox" "spam-\${test}"; }`,
  })
  const main = `require ["fileinto", "include", "variables", "relational"];
global "test"; global "test_mailbox";
set "test" "$$"; include "subject_tests";
set "test" "Make money"; include "subject_tests";
if string :count "eq" "\${test_mailbox}" "1" { fileinto "\${test_mailbox}"; stop; }`
  assert.deepEqual(actionsOf(main, { answer, mail: 'Subject: Make money fast\n\n' }), ['fileinto spam-Make money'])
  assert.deepEqual(actionsOf(main, { answer }), ['keep'])
})

test('RFC 6609 §3.4.2: the namespace global is the same', () => {
  const script = `require ["variables", "include", "vacation"];
global "i_am_on_vacation"; set "global.i_am_on_vacation" "1";
if string :is "\${i_am_on_vacation}\${global.i_am_on_vacation}" "11" { vacation "It's true, I am on vacation."; }`
  assert.deepEqual(actionsOf(script), ["vacation It's true, I am on vacation.", 'keep'])
  const own = 'require ["variables", "include"]; set "a" "1"; if string "${global.a}" "1" { discard; }'
  assert.deepEqual(actionsOf(own), ['keep'])
  assert.match(
    actionsOf('require ["variables", "include"]; set "a" "1"; global "a";').join(),
    /set before it was declared/,
  )
  assert.match(faultsOf('require "include"; global "a";').join(), /cannot be used without "variables"/)
})

test('RFC 6609 §3.1, §3.2, §3.3: recursion, once, optional, return and stop', () => {
  const answer = scripts({
    'personal/self': 'require "include"; include "self";',
    'personal/once': 'require ["include", "fileinto"]; include :once "once"; fileinto "x";',
    'personal/back': 'require "include"; return; discard;',
    'personal/stop': 'stop;',
    'personal/wrong': 'redirect "a@example.org"; if true {\n error "x"; }'.replace(
      'error "x"',
      'redirect "b@example.org"',
    ),
    'personal/fails': 'require "ihave";\nerror "broken";',
  })
  const run = (script: string): string[] => actionsOf(`require ["include", "fileinto"]; ${script}`, { answer })
  assert.match(run('include "self";').join(), /in the script "self", line 1: the script "self" includes itself/)
  assert.deepEqual(run('include :once "once"; include :once "once"; fileinto "y";'), ['fileinto x', 'fileinto y'])
  assert.match(run('include "gone";').join(), /there is no script "gone"/)
  assert.deepEqual(run('include :optional "gone"; discard;'), ['discard'])
  assert.deepEqual(run('include "back"; fileinto "y";'), ['fileinto y'])
  assert.deepEqual(run('return; discard;'), ['keep'])
  assert.deepEqual(run('include "stop"; discard;'), ['keep'])
  assert.deepEqual(run('include "fails";'), ['error at line 1: in the script "fails", line 2: broken'])
  assert.match(faultsOf('require "include"; include "a/b";').join(), /no name of a script/)
})

test('RFC 5463: ihave finds extensions, and what is not here is told only where it runs', () => {
  const script = `require ["ihave", "fileinto"];
if ihave "x-unknown" { frobnicate :hard "x"; } elsif not ihave "copy" { error "no copy"; }
fileinto :copy "a";`
  assert.deepEqual(actionsOf(script), ['fileinto a copy', 'keep'])
  assert.match(
    actionsOf('require "ihave";\nif not ihave "x-unknown" { frobnicate; }').join(),
    /there is no command "frobnicate"/,
  )
  assert.match(
    actionsOf('require ["ihave", "fileinto"];\nif allof (false, ihave "copy") { } fileinto :copy "a";').join(),
    /error at line 2: "fileinto" uses "copy", which "ihave" has not found/,
  )
  assert.match(
    faultsOf('require ["ihave", "fileinto"]; fileinto :copy "a"; if ihave "copy" { }').join(),
    /add: require "copy"/,
  )
  // Not those that change how the script is read. RFC 5463 §4.
  assert.ok(!holds('ihave "variables"', {}, ['ihave']))
  assert.ok(holds('ihave ["copy", "comparator-i;ascii-numeric"]', {}, ['ihave']))
  assert.ok(!holds('ihave ["copy", "x-unknown"]', {}, ['ihave']))
  assert.match(actionsOf('require "ihave";\n\nerror "that is wrong";').join(), /error at line 3: that is wrong/)
})

test('the steps of an included script bear its name, and reasons are of bounded length', () => {
  const answer = scripts({ 'personal/inner': 'if header :contains "subject" "he" { keep; }' })
  const { steps } = runOver('require "include";\ninclude "inner";', { answer, explain: true })
  assert.deepEqual(
    steps.map(({ script, line, name }) => [script, line, name]),
    [
      [undefined, 2, 'include'],
      ['inner', 1, 'header'],
      ['inner', 1, 'keep'],
    ],
  )
  const names = Array.from({ length: 1_000 }, (_, at) => `"field-${at}"`).join(',')
  const [step] = runOver(`if header [${names}] "x" { keep; }`, { explain: true }).steps
  assert.equal(step?.because?.length, 500)
})
