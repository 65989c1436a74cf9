import type { AccountId } from '../mail/ids.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AccountWatch, accountWatchDefaults, type AccountWatchOptions, type Suspected } from './account-watch.ts'

const hour = 3_600_000
const name = 'alice@example.org'
const alice = 1 as AccountId
const bob = 2 as AccountId

function watch(options: Partial<AccountWatchOptions> = {}) {
  const found: Suspected[] = []
  let nowMs = 0
  const account = new AccountWatch({
    clock: { monotonic: () => nowMs },
    options: () => ({ ...accountWatchDefaults, ...options }),
    suspected: (one) => found.push(one),
  })
  return { account, found, pass: (ms: number) => void (nowMs += ms) }
}

test('recipients are counted over an hour, whatever the messages; one beyond the limit is told of', () => {
  const { account, found, pass } = watch({ recipientsPerHour: 100 })
  assert.equal(account.sends(alice, name, 60), false)
  assert.equal(account.sends(alice, name, 40), false)
  assert.equal(account.sends(bob, 'bob@example.org', 100), false)
  pass(hour)
  assert.equal(account.sends(alice, name, 100), false, 'a new hour')
  assert.deepEqual(found, [])
  assert.equal(account.sends(alice, name, 1), true)
  assert.deepEqual(found, [{ account: alice, name, reason: 'recipients', count: 101 }])
})

test('it is told once a day, however long it goes on, and again once the operator has looked', () => {
  const { account, found, pass } = watch({ recipientsPerHour: 10 })
  for (let i = 0; i < 23; i++) {
    assert.equal(account.sends(alice, name, 11), true)
    pass(hour)
  }
  assert.equal(found.length, 1)
  pass(hour)
  account.sends(alice, name, 11)
  assert.equal(found.length, 2)
  account.forget(alice)
  assert.equal(account.sends(alice, name, 10), false)
  assert.equal(account.sends(alice, name, 1), true)
  assert.equal(found.length, 3)
})

test('unknown recipients and networks have limits of their own; addresses of one network are one', () => {
  const { account, found } = watch({ unknownPerHour: 5, networksPerHour: 3 })
  for (let i = 0; i < 5; i++) account.unknown(alice, name)
  for (let i = 0; i < 200; i++) account.signedIn(alice, name, `192.0.2.${i}`)
  for (let i = 0; i < 200; i++) account.signedIn(alice, name, `2001:db8:1:${i}::1`)
  account.signedIn(alice, name, '198.51.100.1')
  assert.deepEqual(found, [])
  account.signedIn(alice, name, '203.0.113.1')
  assert.deepEqual(found, [{ account: alice, name, reason: 'networks', count: 4 }])
  for (let i = 0; i < 9; i++) account.unknown(bob, 'bob@example.org')
  assert.deepEqual(found[1], { account: bob, name: 'bob@example.org', reason: 'unknown recipients', count: 6 })
})

test('who is exempt is not counted, by name or by domain; with "off" no account is', () => {
  const many = (options: Partial<AccountWatchOptions>, who: string): boolean =>
    watch(options).account.sends(alice, who, 1_000_000)
  assert.equal(many({ exempt: [name] }, name), false)
  assert.equal(many({ exempt: ['@example.org'] }, name), false)
  assert.equal(many({ exempt: ['@example.org'] }, 'alice@sub.example.org'), true)
  assert.equal(many({ exempt: ['bob@example.org'] }, name), true)
  assert.equal(many({ action: 'off' }, name), false)
})

test('accounts are counted up to a number: the one that was heard of first begins anew', () => {
  const { account } = watch({ recipientsPerHour: 10 })
  account.sends(alice, name, 10)
  for (let i = 2; i < 20_003; i++) account.sends(i as AccountId, `u${i}@example.org`, 1)
  assert.equal(account.sends(alice, name, 10), false)
})
