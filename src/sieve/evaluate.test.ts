import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compiledScript } from '../../test/support/sieve.ts'
import { parseHeader } from '../mail/header.ts'
import { replayScript, runWithHost, type RunInput } from './evaluate.ts'
import type { Answer, Question } from './question.ts'

const script = compiledScript(`require ["mailbox", "body", "date", "duplicate", "fileinto", "environment"];
if duplicate { discard; stop; }
if allof (mailboxexists ["a", "b"], body :contains "pear", not body :contains "plum", currentdate "year" "2020") {
  fileinto "a";
}
if anyof (environment "location" "x", environment "location" "MDA") { fileinto "b"; }
`)
const input: RunInput = {
  message: { header: parseHeader(Buffer.from('Message-ID: <1@x>\r\n\r\n')), sizeBytes: 20 },
  explain: true,
}

function host(question: Question): Answer {
  switch (question.kind) {
    case 'mailbox':
      return true
    case 'duplicate':
      return false
    case 'body':
      return ['apple', 'pear']
    case 'now':
      return { epochMs: Date.UTC(2020, 5, 1), offsetMinutes: 0 }
    case 'environment':
      return 'MDA'
    default:
      return assert.fail(`${question.kind} was asked`)
  }
}

test('a run asks its host, the text of the body once', async () => {
  const { answers, actions } = await runWithHost(script, input, async (question) => host(question))
  assert.deepEqual(
    answers.map(({ question }) => question.kind),
    ['duplicate', 'mailbox', 'mailbox', 'body', 'now', 'environment', 'environment'],
  )
  assert.deepEqual(
    actions.map((action) => (action.kind === 'fileinto' ? action.mailbox : action.kind)),
    ['a', 'b'],
  )
})

test('a run is repeated from its recorded answers, through JSON too', async () => {
  const { answers, ...result } = await runWithHost(script, input, host)
  assert.deepEqual(replayScript(script, input, answers), result)
  assert.deepEqual(replayScript(script, input, JSON.parse(JSON.stringify(answers)) as typeof answers), result)
})

test('a replay that takes another way says which question it has no answer to', async () => {
  const { answers } = await runWithHost(script, input, host)
  assert.deepEqual(replayScript(script, input, answers.slice(0, 2)), {
    kind: 'fault',
    question: { kind: 'mailbox', mailbox: 'b' },
  })
  const other = compiledScript('require "mailbox"; if mailboxexists "c" { keep; }')
  assert.deepEqual(replayScript(other, input, answers), { kind: 'fault', question: { kind: 'mailbox', mailbox: 'c' } })
})

test('a script runs twice at once without the runs knowing of each other', async () => {
  const flags = compiledScript(
    'require ["imap4flags", "mailbox", "variables"]; addflag "x"; if mailboxexists "a" { addflag "y"; }',
  )
  const run = (exists: boolean) => runWithHost(flags, input, async () => exists)
  const [one, two] = await Promise.all([run(true), run(false)])
  assert.deepEqual(
    [one, two].map(({ actions: [keep] }) => (keep?.kind === 'keep' ? keep.flags : undefined)),
    [['x', 'y'], ['x']],
  )
})
