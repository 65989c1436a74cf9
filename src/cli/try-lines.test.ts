import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Account } from '../store/entities.ts'
import { tryLines } from './try-lines.ts'

const listening = [
  { service: 'smtp', address: '127.0.0.1', port: 2525 },
  { service: 'submission', address: '127.0.0.1', port: 1587 },
  { service: 'imaps', address: '127.0.0.1', port: 1993 },
] as const
const account = (name: string, disabled = false) => ({ name, disabled }) as Account
const store = (...accounts: readonly Account[]) => ({
  read: { accounts: async () => accounts, domains: () => ['example.org'] },
})

test('the first start names the account that it has made', async () => {
  const lines = await tryLines({
    listening,
    firstAccount: { name: 'admin@example.org', password: 'x' },
    store: store(),
  })
  assert.match(lines, /swaks --server 127\.0\.0\.1:2525 --to admin@example\.org --from/)
  assert.match(lines, /--auth-user admin@example\.org/)
  assert.doesNotMatch(lines, /forgotten|account add/)
})

test('a later start names an account that exists and may sign in, and how to get a new password', async () => {
  const accounts = store(account('away@example.org', true), account('bob@example.org'), account('carol@example.org'))
  const lines = await tryLines({ listening, firstAccount: undefined, store: accounts })
  assert.match(lines, /--to bob@example\.org /)
  assert.match(lines, /pennypost account password bob@example\.org/)
  assert.doesNotMatch(lines, /away@|your\.domain/)
})

test('without an account it says how to create one, in a domain that is ours', async () => {
  const lines = await tryLines({ listening, firstAccount: undefined, store: store(account('away@example.org', true)) })
  assert.match(lines, /pennypost account add you@example\.org/)
  assert.doesNotMatch(lines, /swaks/)
})
