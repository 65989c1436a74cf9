import type { AccountId } from '../mail/ids.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expandAddress, expandedMax, maySendAs, type AddressSource } from './aliases.ts'

const names = ['alice@a.example', 'bob@a.example', 'gone@a.example', 'alice+work@a.example']
const aliases: Record<string, string[]> = {
  'bob@a.example': ['bob@a.example', 'alice@a.example', 'pat@elsewhere.example'],
  'list@a.example': ['alice@a.example', 'bob@a.example', 'list@a.example'],
  'loop1@a.example': ['loop2@a.example'],
  'loop2@a.example': ['loop1@a.example'],
  '@a.example': ['alice+caught@a.example'],
}

const source: AddressSource = {
  isLocalDomain: (domain) => domain === 'a.example' || domain === 'b.example',
  user(name) {
    const id = names.indexOf(name)
    return id < 0 ? undefined : { id: id as AccountId, name, disabled: name.startsWith('gone') }
  },
  alias: (address) => (aliases[address] ? { targets: aliases[address] } : undefined),
}

function expand(address: string, delimiter = '+'): string {
  const [local, domain] = address.split('@') as [string, string]
  const expansion = expandAddress(source, local, domain, delimiter)
  if (!expansion) return 'unknown'
  const accounts = expansion.accounts.map(({ name, detail }) => name.split('@')[0] + (detail ? `/${detail}` : ''))
  return [...accounts, ...expansion.remote, ...expansion.disabled.map((name) => `disabled ${name}`)].join(' ')
}

test('an account is found whatever the case, with and without a detail', () => {
  assert.equal(expand('ALICE@a.example'), 'alice')
  assert.equal(expand('alice+x@a.example'), 'alice/x')
  assert.equal(expand('alice+x+y@a.example'), 'alice/x+y')
  assert.equal(expand('alice+work@a.example'), 'alice+work')
  assert.equal(expand('alice-x@a.example', '-'), 'alice/x')
})

test('an alias that names itself keeps a copy in the account of that name', () => {
  assert.equal(expand('bob@a.example'), 'bob alice pat@elsewhere.example')
  assert.equal(expand('bob+x@a.example'), 'bob/x alice pat@elsewhere.example')
})

test('aliases name aliases, each account once; loops end', () => {
  assert.equal(expand('list@a.example'), 'alice bob pat@elsewhere.example')
  assert.equal(expand('loop1@a.example'), '')
})

test('an alias that leads further than we follow says so: no member is left out in silence', () => {
  const wide = (count: number): AddressSource => ({
    ...source,
    user: () => undefined,
    alias: (address) =>
      address === 'all@a.example'
        ? { targets: Array.from({ length: count }, (_, n) => `m${n}@elsewhere.example`) }
        : undefined,
  })
  const whole = expandAddress(wide(expandedMax), 'all', 'a.example')!
  assert.deepEqual([whole.remote.length, whole.cut], [expandedMax, false])
  assert.equal(expandAddress(wide(expandedMax + 1), 'all', 'a.example')!.cut, true)
  const deep: AddressSource = {
    ...source,
    user: () => undefined,
    alias: (address) => ({ targets: [`${Number(address.split('@')[0]) + 1}@a.example`] }),
  }
  assert.equal(expandAddress(deep, '0', 'a.example')!.cut, true)
})

test('a catch-all takes unknown addresses, in its own domain only', () => {
  assert.equal(expand('whoever@a.example'), 'alice/caught')
  assert.equal(expand('alice@b.example'), 'unknown')
  assert.equal(expand('gone@a.example'), 'disabled gone@a.example')
})

test('one may send as oneself, with details and by named aliases, never by a catch-all', () => {
  assert.ok(maySendAs(source, 'alice@a.example', 'Alice', 'a.example'))
  assert.ok(maySendAs(source, 'alice@a.example', 'alice+x', 'a.example'))
  assert.ok(maySendAs(source, 'bob@a.example', 'list', 'a.example'))
  assert.ok(!maySendAs(source, 'alice@a.example', 'whoever', 'a.example'))
  assert.ok(!maySendAs(source, 'bob@a.example', 'alice', 'a.example'))
  // Alice is sent a copy of what bob gets.
  assert.ok(!maySendAs(source, 'alice@a.example', 'bob', 'a.example'))
  assert.ok(!maySendAs(source, 'alice@a.example', 'bob+x', 'a.example'))
  assert.ok(maySendAs(source, 'bob@a.example', 'bob+x', 'a.example'))
  assert.ok(!maySendAs(source, 'alice@a.example', 'pat', 'elsewhere.example'))
})
