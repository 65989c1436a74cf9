import type { AccountId } from '../mail/ids.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { status } from '../mail/status.ts'
import { outcomeOf as outcome, outcomeOfEach, type Plan } from './plan.ts'

const file: Plan = {
  kind: 'file',
  recipient: 'a',
  account: { id: 1 as AccountId, name: 'a@x' },
  mailbox: 1,
  mailboxName: 'INBOX',
  flags: [],
  evidence: { account: 'a@x' },
}
const full: Plan = { kind: 'refuse', recipient: 'b', status: status.mailboxFull }
const unknown: Plan = { kind: 'refuse', recipient: 'c', status: status.mailboxUnknown }
const discard: Plan = { kind: 'discard', recipient: 'd', rule: 'sieve: discard' }

const outcomeOf = (...plans: Plan[]): unknown => {
  const found = outcome([{ recipient: '', plans }])
  return found.kind === 'refuse' ? found.status.code : [found.accepted.length, found.refused.length]
}

test('one recipient that can be filed makes it 250, whatever the others', () => {
  assert.deepEqual(outcomeOf(file, full, unknown), [1, 2])
})

test('a discarded recipient counts as accepted', () => {
  assert.deepEqual(outcomeOf(discard, unknown), [1, 1])
})

test('when all are refused, a temporary refusal makes the reply temporary', () => {
  assert.equal(outcomeOf(unknown, full), 452)
  assert.equal(outcomeOf(unknown, unknown), 550)
})

test('LMTP replies for each recipient', () => {
  const ok = { code: 250, enhanced: '2.0.0', text: 'ok' }
  const { accepted, replies } = outcomeOfEach(
    [
      { recipient: 'a', plans: [file] },
      { recipient: 'b', plans: [full] },
      { recipient: 'c', plans: [unknown, discard] },
    ],
    ok,
  )
  assert.deepEqual(
    replies.map(({ code }) => code),
    [250, 452, 250],
  )
  assert.deepEqual(accepted, [file, discard])
})
