import type { AccountId } from '../mail/ids.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusal } from '../mail/status.ts'
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
  async lookUp(address) {
    const id = names.indexOf(address)
    const account = id < 0 ? undefined : { id: id as AccountId, name: address, disabled: address.startsWith('gone') }
    return { account, targets: aliases[address] }
  },
}

async function expand(address: string, delimiter = '+'): Promise<string> {
  const [local, domain] = address.split('@') as [string, string]
  const expansion = await expandAddress(source, local, domain, delimiter)
  if (!expansion) return 'unknown'
  const accounts = expansion.accounts.map(({ name, detail }) => name.split('@')[0] + (detail ? `/${detail}` : ''))
  return [...accounts, ...expansion.remote, ...expansion.disabled.map((name) => `disabled ${name}`)].join(' ')
}

test('an account is found whatever the case, with and without a detail', async () => {
  assert.equal(await expand('ALICE@a.example'), 'alice')
  assert.equal(await expand('alice+x@a.example'), 'alice/x')
  assert.equal(await expand('alice+x+y@a.example'), 'alice/x+y')
  assert.equal(await expand('alice+work@a.example'), 'alice+work')
  assert.equal(await expand('alice-x@a.example', '-'), 'alice/x')
})

test('an alias that names itself keeps a copy in the account of that name', async () => {
  assert.equal(await expand('bob@a.example'), 'bob alice pat@elsewhere.example')
  assert.equal(await expand('bob+x@a.example'), 'bob/x alice pat@elsewhere.example')
})

test('aliases name aliases, each account once; loops end', async () => {
  assert.equal(await expand('list@a.example'), 'alice bob pat@elsewhere.example')
  assert.equal(await expand('loop1@a.example'), '')
})

test('an alias that leads further than we follow says so: no member is left out in silence', async () => {
  const wide = (count: number): AddressSource => ({
    ...source,
    lookUp: async (address) =>
      address === 'all@a.example'
        ? { targets: Array.from({ length: count }, (_, n) => `m${n}@elsewhere.example`) }
        : {},
  })
  const whole = (await expandAddress(wide(expandedMax), 'all', 'a.example'))!
  assert.deepEqual([whole.remote.length, whole.cut], [expandedMax, false])
  assert.equal((await expandAddress(wide(expandedMax + 1), 'all', 'a.example'))!.cut, true)
  const deep: AddressSource = {
    ...source,
    lookUp: async (address) => ({ targets: [`${Number(address.split('@')[0]) + 1}@a.example`] }),
  }
  assert.equal((await expandAddress(deep, '0', 'a.example'))!.cut, true)
})

test('a catch-all takes unknown addresses, in its own domain only', async () => {
  assert.equal(await expand('whoever@a.example'), 'alice/caught')
  assert.equal(await expand('alice@b.example'), 'unknown')
  assert.equal(await expand('gone@a.example'), 'disabled gone@a.example')
})

test('one may send as oneself, with details and by named aliases, never by a catch-all', async () => {
  assert.ok(await maySendAs(source, 'alice@a.example', 'Alice', 'a.example'))
  assert.ok(await maySendAs(source, 'alice@a.example', 'alice+x', 'a.example'))
  assert.ok(await maySendAs(source, 'bob@a.example', 'list', 'a.example'))
  assert.ok(!(await maySendAs(source, 'alice@a.example', 'whoever', 'a.example')))
  assert.ok(!(await maySendAs(source, 'bob@a.example', 'alice', 'a.example')))
  // Alice is sent a copy of what bob gets.
  assert.ok(!(await maySendAs(source, 'alice@a.example', 'bob', 'a.example')))
  assert.ok(!(await maySendAs(source, 'alice@a.example', 'bob+x', 'a.example')))
  assert.ok(await maySendAs(source, 'bob@a.example', 'bob+x', 'a.example'))
  assert.ok(!(await maySendAs(source, 'alice@a.example', 'pat', 'elsewhere.example')))
})

test('a large group is looked up in parts, a deep one level by level; the order is that of the targets', async () => {
  let running = 0
  let most = 0
  const members = Array.from({ length: 100 }, (_, n) => `m${n}@a.example`)
  const group: AddressSource = {
    ...source,
    async lookUp(address) {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setImmediate(resolve))
      running--
      const n = members.indexOf(address)
      if (address === 'all@a.example') return { targets: members }
      return n < 0 ? {} : { account: { id: (n + 1) as AccountId, name: address, disabled: false } }
    },
  }
  const expansion = (await expandAddress(group, 'all', 'a.example'))!
  assert.deepEqual(
    expansion.accounts.map(({ name }) => name),
    members,
  )
  assert.ok(most > 10 && most <= 32, `${most} at the same time`)
})

test('a source may limit what one address costs: beyond that there is no answer', async () => {
  let asked = 0
  const members = (count: number): string[] => Array.from({ length: count }, (_, n) => `m${n}@a.example`)
  const group = (count: number): AddressSource => ({
    ...source,
    lookUpsMax: 100,
    async lookUp(address) {
      asked++
      return address === 'all@a.example' ? { targets: members(count) } : {}
    },
  })
  assert.equal((await expandAddress(group(99), 'all', 'a.example'))!.missing.length, 99)
  asked = 0
  const refused = (error: unknown): boolean => error instanceof Refusal && error.status.code === 451
  await assert.rejects(expandAddress(group(100), 'all', 'a.example'), refused)
  assert.ok(asked <= 2, `${asked} were asked for`)
  await assert.rejects(maySendAs(group(100), 'alice@a.example', 'all', 'a.example'), refused)
})
