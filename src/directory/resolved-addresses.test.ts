import type { AccountId } from '../mail/ids.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusal } from '../mail/status.ts'
import { ResolvedAddresses, type ExternalDirectory, type Heard } from './resolved-addresses.ts'
import { expandAddress, maySendAs, type AddressSource } from './aliases.ts'

const rows: Record<string, number> = { 'root@a.example': 1, 'alice@a.example': 2 }
const storeAliases: Record<string, string[]> = { 'all@a.example': ['alice@a.example', 'staff@a.example'] }

const store: AddressSource = {
  isLocalDomain: (domain) => domain === 'a.example',
  user: (name) => (rows[name] ? { id: rows[name] as AccountId, name, disabled: false } : undefined),
  alias: (address) => (storeAliases[address] ? { targets: storeAliases[address] } : undefined),
}

function world(listed: Readonly<Record<string, Heard>>) {
  const asked: string[] = []
  const externalDirectory: ExternalDirectory = {
    isOwn: (account) => account === 1,
    async look(address) {
      asked.push(address)
      return listed[address] ?? {}
    },
  }
  const heard = new ResolvedAddresses(store, externalDirectory)
  const expand = async (address: string): Promise<string> => {
    const [local, domain] = address.split('@') as [string, string]
    await heard.prefetch(local, domain, '+')
    const expansion = expandAddress(heard, local, domain, '+')
    if (!expansion) return 'unknown'
    const accounts = expansion.accounts.map(({ name, detail }) => name.split('@')[0] + (detail ? `/${detail}` : ''))
    return [...accounts, ...expansion.remote, ...expansion.disabled.map((name) => `disabled ${name}`)].join(' ')
  }
  return { asked, heard, expand }
}

const person = (id: number, name: string, disabled = false): Heard => ({
  account: { id: id as AccountId, name, disabled },
  addresses: [name],
})
const alice = { ...person(2, 'alice@a.example'), addresses: ['alice@a.example', 'al@a.example'] }
const listed: Record<string, Heard> = {
  'alice@a.example': alice,
  'al@a.example': alice,
  'bob@a.example': person(3, 'bob@a.example'),
  'gone@a.example': person(0, 'gone@a.example', true),
  'staff@a.example': { targets: ['bob@a.example', 'deeper@a.example', 'gone@a.example', 'pat@far.example'] },
  'deeper@a.example': { targets: ['al@a.example', 'staff@a.example'] },
  'root@a.example': { targets: ['thief@far.example'] },
  'keeps@a.example': { ...person(4, 'keeps@a.example'), targets: ['keeps@a.example', 'bob@a.example'] },
}

test('people by all their addresses, with details; groups in groups, once each', async () => {
  const { expand } = world(listed)
  assert.equal(await expand('al@a.example'), 'alice')
  assert.equal(await expand('alice+x@a.example'), 'alice/x')
  assert.equal(await expand('staff@a.example'), 'bob alice pat@far.example disabled gone@a.example')
  assert.equal(await expand('keeps@a.example'), 'keeps bob')
  assert.equal(await expand('nobody@a.example'), 'unknown')
  assert.equal(await expand('gone@a.example'), 'disabled gone@a.example')
})

test('the store comes first, and is not talked about', async () => {
  const { expand, asked } = world(listed)
  assert.equal(await expand('root@a.example'), 'root')
  assert.equal(asked.length, 0)
  assert.equal(await expand('all@a.example'), 'alice bob pat@far.example disabled gone@a.example')
  assert.ok(!asked.includes('all@a.example'))
})

test('an account of the store whose person has gone takes nothing', async () => {
  const { expand } = world({})
  assert.equal(await expand('alice@a.example'), 'unknown')
})

test('each address is asked for once a transaction, and none elsewhere', async () => {
  const { expand, asked } = world(listed)
  await expand('staff@a.example')
  await expand('deeper@a.example')
  await expand('pat@far.example')
  assert.deepEqual(asked, [...new Set(asked)])
  assert.ok(asked.every((address) => address.endsWith('@a.example')))
})

test('an alias that leads too far is not taken, rather than taken for some', async () => {
  const many = Array.from({ length: 900 }, (_, i) => `m${i}@a.example`)
  const wide: Record<string, Heard> = { 'wide@a.example': { targets: many } }
  for (const one of many) wide[one] = { targets: many.map((_, i) => `${one.split('@')[0]}x${i}@a.example`) }
  const { expand, asked } = world(wide)
  await expand('wide@a.example').catch((error) => assert.ok(error instanceof Refusal))
  assert.ok(asked.length <= 3000, String(asked.length))
})

test('a user may send as each of their addresses, and as groups once these were looked up', async () => {
  const { heard } = world(listed)
  const may = (local: string): boolean => maySendAs(heard, 'alice@a.example', local, 'a.example')
  await heard.learnAccount('alice@a.example')
  assert.ok(may('alice') && may('al') && may('al+x'))
  assert.ok(!may('bob') && !may('staff') && !may('root'))
  await heard.prefetch('staff', 'a.example', '+')
  assert.ok(may('staff'))
})
