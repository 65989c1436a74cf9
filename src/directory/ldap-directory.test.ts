import type { AccountId } from '../mail/ids.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../base/clock.ts'
import type { LdapEntry, LdapQuestion, LdapServer } from '../base/ldap.ts'
import type { Log } from '../base/log.ts'
import { Refusal } from '../mail/status.ts'
import { formatAppPassword } from './app-password.ts'
import { AccountAuthenticator } from './authenticator.ts'
import { expandAddress, expandedMax, maySendAs } from './aliases.ts'
import { directoryDefaults, type DirectoryOptions } from './directory-options.ts'
import { LdapDirectory } from './ldap-directory.ts'
import { parseQuota } from './ldap-people.ts'
import { authDefaults } from './options.ts'
import { hashPassword } from './password.ts'
import { StoreDirectory, type DirectoryRows } from './store-directory.ts'

const peer = { address: '192.0.2.1', port: 40_000, localAddress: '192.0.2.2', localPort: 993 }
const base = 'dc=a'

type Attributes = Record<string, string | readonly string[]>

function entry(dn: string, attributes: Attributes): LdapEntry {
  return { dn, values: new Map(Object.entries(attributes).map(([name, value]) => [name, [value].flat()])) }
}

interface Row {
  id: AccountId
  name: string
  disabled: boolean
  quotaBytes: number
  credentials: { type: string; name: string; value: string }[]
}

/** A directory that answers known filters. */
function world(more: Partial<DirectoryOptions> = {}) {
  const state = {
    nowMs: 0,
    down: false,
    answers: new Map<string, LdapEntry[]>(),
    questions: [] as LdapQuestion[],
    binds: [] as string[],
    passwords: new Map<string, string>(),
    lines: [] as string[],
    made: [] as string[],
  }
  const rows: Row[] = []
  const clock: Clock = {
    now: () => state.nowMs,
    monotonic: () => state.nowMs,
    after: () => ({ cancel() {} }),
    soon: queueMicrotask,
  }
  const note = (event: string): void => void state.lines.push(event)
  const log: Log = { debug() {}, info: note, warn: note, error: note }
  const server: LdapServer = {
    async search(question) {
      state.questions.push(question)
      if (state.down) throw new Error('nobody there')
      const key = question.scope === 'base' ? question.base : question.filter
      return (state.answers.get(key) ?? []).slice(0, question.entriesMax)
    },
    async bind(dn, password) {
      state.binds.push(`${dn} ${password}`)
      if (state.down) throw new Error('nobody there')
      return state.passwords.get(dn) === password
    },
    close() {},
  }
  const aliases: Record<string, string[]> = {}
  const source: DirectoryRows = {
    isLocalDomain: (domain) => domain === 'a.example',
    user: async (name) => rows.find((row) => row.name === name),
    alias: async (address) => (aliases[address] ? { targets: aliases[address] } : undefined),
    address: async (address) => ({ account: await source.user(address), targets: aliases[address] }),
    credentials: async (id, type) => rows.find((row) => row.id === id)!.credentials.filter((one) => one.type === type),
  }
  const addRow = (name: string, quotaBytes = 0): Row => {
    const row = { id: (rows.length + 1) as AccountId, name, disabled: false, quotaBytes, credentials: [] }
    rows.push(row)
    return row
  }
  const options = { ...directoryDefaults, source: 'ldap' as const, base, ...more }
  const directory = new LdapDirectory({
    server,
    options,
    rows: source,
    own: new StoreDirectory(source, clock),
    clock,
    log,
    async makeAccount(name, quotaBytes) {
      await Promise.resolve()
      state.made.push(`${name} ${quotaBytes}`)
      return addRow(name, quotaBytes).id
    },
    async setQuota(name, quotaBytes) {
      rows.find((row) => row.name === name)!.quotaBytes = quotaBytes
    },
  })
  const authenticator = new AccountAuthenticator({
    directory,
    clock,
    log,
    secret: Buffer.alloc(32, 1),
    options: { now: { ...authDefaults, failuresFree: 1000 } },
  })
  const alice = (attributes: Attributes = { mail: 'Alice@A.example', modifytimestamp: '1' }): void => {
    const found = [entry('uid=alice', attributes)]
    for (const name of ['alice', 'al'])
      state.answers.set(`(|(mail=${name}@a.example)(mailAlternateAddress=${name}@a.example))`, found)
    state.passwords.set('uid=alice', 'right')
  }
  const signIn = (user: string, password: string) => authenticator.verifyPassword(user, password, peer)
  return { state, rows, aliases, addRow, directory, authenticator, alice, signIn }
}

const isLater = (code: number) => (error: unknown) => error instanceof Refusal && error.status.code === code

/** An answer without its credential. */
function who(answer: { accountId: number; name: string } | null): object | null {
  return answer && { accountId: answer.accountId, name: answer.name }
}

test('a password is checked by a bind as the entry; the account is made with the first sign-in, not before', async () => {
  const { state, alice, signIn } = world()
  alice()
  assert.equal(await signIn('alice@a.example', 'wrong'), null)
  assert.deepEqual(state.made, [])
  assert.deepEqual(who(await signIn('ALICE@a.example', 'right')), { accountId: 1, name: 'alice@a.example' })
  assert.deepEqual(who(await signIn('al@a.example', 'right')), { accountId: 1, name: 'alice@a.example' })
  assert.deepEqual(state.made, ['alice@a.example 0'])
})

test('RFC 4513 §5.1.2: no bind without a password, not for unknown users either', async () => {
  const { state, alice, signIn } = world()
  alice()
  state.passwords.set('uid=alice', '')
  assert.equal(await signIn('alice@a.example', ''), null)
  assert.equal(await signIn('nobody@a.example', ''), null)
  assert.deepEqual(state.binds, [])
})

test('an unknown user costs a bind too; other domains are not looked up', async () => {
  const { state, signIn } = world()
  assert.equal(await signIn('nobody@a.example', 'x'), null)
  assert.equal(await signIn('nobody@far.example', 'x'), null)
  assert.deepEqual(state.binds, ['cn=nobody,dc=a x', 'cn=nobody,dc=a x'])
  assert.equal(state.questions.length, 1)
})

test('a password is remembered until its time is over, or the entry has changed', async () => {
  const { state, alice, signIn } = world({ cacheTtlMs: 1000, passwordCacheTtlMs: 10_000 })
  alice()
  for (let i = 0; i < 3; i++) assert.ok(await signIn('alice@a.example', 'right'))
  assert.equal(state.binds.length, 1)
  state.nowMs += 9000
  assert.ok(await signIn('alice@a.example', 'right'))
  assert.equal(state.binds.length, 1)
  state.nowMs += 2000
  assert.ok(await signIn('alice@a.example', 'right'))
  assert.equal(state.binds.length, 2)
  state.passwords.set('uid=alice', 'new')
  alice({ mail: 'alice@a.example', modifytimestamp: '2' })
  state.passwords.set('uid=alice', 'new')
  state.nowMs += 1001
  assert.equal(await signIn('alice@a.example', 'right'), null)
})

test('a user disabled there or here counts as unknown, and no account is created', async () => {
  const { state, alice, signIn, directory, rows } = world({ disabledFilter: '(x=y)', cacheTtlMs: 0 })
  alice()
  assert.ok(await signIn('alice@a.example', 'right'))
  const filter = '(|(mail=alice@a.example)(mailAlternateAddress=alice@a.example))'
  state.answers.set(`(&${filter}(x=y))`, state.answers.get(filter)!)
  assert.equal(await signIn('alice@a.example', 'right'), null)
  assert.equal((await directory.lookUp('alice@a.example')).account?.disabled, true)
  state.answers.delete(`(&${filter}(x=y))`)
  assert.ok(await signIn('alice@a.example', 'right'))
  rows[0]!.disabled = true
  assert.equal(await signIn('alice@a.example', 'right'), null)
})

test('a directory that does not answer is never an unknown user: 454 at sign-in, 451 for an address; logged once each way', async () => {
  const { state, alice, signIn, directory } = world({ cacheTtlMs: 0, negativeCacheTtlMs: 0 })
  alice()
  state.down = true
  for (const name of ['alice@a.example', 'nobody@a.example']) {
    await assert.rejects(signIn(name, 'right'), isLater(454))
    await assert.rejects(directory.lookUp(name), isLater(451))
  }
  state.down = false
  assert.ok(await signIn('alice@a.example', 'right'))
  assert.deepEqual(
    state.lines.filter((line) => line.startsWith('directory')),
    ['directory does not answer', 'directory answers again'],
  )
})

test('two entries for one address are for a person to decide, not for us', async () => {
  const { state, directory, alice } = world()
  alice()
  const [filter, found] = [...state.answers][0]!
  state.answers.set(filter, [...found, entry('uid=other', { mail: 'alice@a.example' })])
  await assert.rejects(directory.lookUp('alice@a.example'), isLater(451))
})

test('accounts with a password in the store are its own, unless they are told not to be', async () => {
  for (const storePasswords of [true, false]) {
    const { state, alice, signIn, addRow } = world({ storePasswords })
    alice()
    addRow('alice@a.example').credentials.push({ type: 'argon2id', name: '', value: await hashPassword('kept here') })
    assert.equal((await signIn('alice@a.example', 'kept here')) !== null, storePasswords)
    assert.equal((await signIn('alice@a.example', 'right')) !== null, !storePasswords)
    assert.equal(state.questions.length > 0, !storePasswords)
  }
})

test('app passwords are the store’s, and need their owner to be in the directory', async () => {
  const { state, alice, signIn, rows } = world({ cacheTtlMs: 0, negativeCacheTtlMs: 0 })
  alice()
  await signIn('alice@a.example', 'right')
  rows[0]!.credentials.push({ type: 'app', name: 'Phone', value: formatAppPassword('abcd-efgh-jkmn-pqrs', 5) })
  assert.ok(await signIn('alice@a.example', 'abcd-efgh-jkmn-pqrs'))
  assert.equal(state.binds.length, 1, 'it was not shown to the directory')
  state.answers.clear()
  assert.equal(await signIn('alice@a.example', 'abcd-efgh-jkmn-pqrs'), null)
})

test('there are no keys for SCRAM: it fails as a wrong password does', async () => {
  const { alice, authenticator, state } = world()
  alice()
  const attempts = await Promise.all(
    ['alice@a.example', 'nobody@a.example'].map((name) => authenticator.scramAttempt(name, 'sha-256', peer)),
  )
  for (const { keys, finish } of attempts) {
    assert.equal(keys.iterations, attempts[0]!.keys.iterations)
    assert.equal(await finish(true), null)
  }
  assert.equal(state.binds.length, 0)
})

test('many messages make one account; its quota follows the directory', async () => {
  const { state, alice, directory, rows } = world({ quotaAttribute: 'mailQuota', cacheTtlMs: 0 })
  alice({ mail: 'alice@a.example', mailquota: '2G' })
  const ids = await Promise.all(
    Array.from(
      { length: 20 },
      async (_, i) => (await directory.lookUp(`al${i % 2 ? 'ice' : ''}@a.example`)).account?.id,
    ),
  )
  assert.deepEqual([...new Set(ids)], [1])
  assert.deepEqual(state.made, [`alice@a.example ${2 * 1024 ** 3}`])
  alice({ mail: 'alice@a.example', mailquota: '3G' })
  await directory.lookUp('alice@a.example')
  assert.equal(rows[0]!.quotaBytes, 3 * 1024 ** 3)
  alice({ mail: 'alice@a.example' })
  await directory.lookUp('alice@a.example')
  assert.equal(rows[0]!.quotaBytes, 3 * 1024 ** 3)
})

test('an account is named in a way that does not depend on the order of values', async () => {
  const { alice, directory, addRow } = world({ cacheTtlMs: 0 })
  const nameOf = async (attributes: Attributes): Promise<string | undefined> => {
    alice(attributes)
    return (await directory.find('alice@a.example'))?.name
  }
  assert.equal(await nameOf({ mail: ['b@a.example', 'a@a.example'] }), 'a@a.example')
  assert.equal(await nameOf({ mail: ['a@a.example', 'b@a.example'] }), 'a@a.example')
  addRow('b@a.example')
  assert.equal(await nameOf({ mail: ['a@a.example', 'b@a.example'] }), 'b@a.example')
  // An address does not bring along an old account of another user.
  addRow('left@a.example')
  assert.equal(await nameOf({ mail: 'c@a.example', mailalternateaddress: 'left@a.example' }), 'c@a.example')
  assert.equal(await nameOf({ mail: 'c@far.example', mailalternateaddress: 'SMTP:d@A.example' }), 'd@a.example')
  assert.equal(await nameOf({ mail: 'c@far.example' }), undefined)
})

test('aliases: addresses, names of the same domain, members by their entries', async () => {
  const { state, directory } = world({
    aliasFilter: '(cn={user})',
    memberAttributes: ['member'],
  })
  state.answers.set('(cn=staff)', [
    entry('cn=staff', {
      rfc822mailmember: ['bob', 'pat@far.example', 'no address@', 'bob@a.example'],
      member: ['uid=x', 'uid=gone'],
    }),
    entry('cn=staff,ou=other', { rfc822mailmember: 'more' }),
  ])
  state.answers.set('uid=x', [entry('uid=x', { mail: 'x@a.example' })])
  assert.deepEqual(await directory.lookUp('staff@a.example'), {
    account: undefined,
    targets: ['bob@a.example', 'pat@far.example', 'more@a.example', 'x@a.example'],
  })
  const members = Array.from({ length: expandedMax + 1 }, (_, i) => `m${i}`)
  state.answers.set('(cn=large)', [entry('cn=large', { rfc822mailmember: members })])
  await assert.rejects(directory.lookUp('large@a.example'), isLater(451))
})

test('an address is asked for once at a time, and remembered; unknown addresses do not evict known ones', async () => {
  const { state, alice, directory } = world()
  alice()
  await Promise.all(Array.from({ length: 50 }, () => directory.lookUp('alice@a.example')))
  assert.equal(state.questions.length, 1)
  for (let i = 0; i < 12_000; i++) await directory.lookUp(`s${i}@a.example`)
  await directory.lookUp('alice@a.example')
  await directory.lookUp('s11999@a.example')
  assert.equal(state.questions.length, 12_001)
  await directory.lookUp('s0@a.example')
  assert.equal(state.questions.length, 12_002, 'the oldest was forgotten')
  state.nowMs += 20_000
  await directory.lookUp('s11999@a.example')
  assert.equal(state.questions.length, 12_003)
})

test('quotas as directories write them', () => {
  assert.equal(parseQuota('1000'), 1000)
  assert.equal(parseQuota('1000S'), 1000)
  assert.equal(parseQuota('5 MB'), 5 * 1024 ** 2)
  assert.equal(parseQuota('1GiB'), 1024 ** 3)
  for (const bad of ['', 'much', '-1', '1P', '999999999999999T']) assert.equal(parseQuota(bad), undefined, bad)
})

test('a probe finds a directory that is back, and one that is not stays away; nothing is thrown', async () => {
  const { directory, state } = world()
  assert.equal(directory.away, false)
  state.down = true
  await directory.probe()
  assert.equal(directory.away, true)
  await directory.probe()
  assert.equal(directory.away, true)
  state.down = false
  await directory.probe()
  assert.equal(directory.away, false)
  assert.deepEqual(state.questions.at(-1), {
    base,
    scope: 'base',
    filter: '(objectClass=*)',
    attributes: ['1.1'],
    entriesMax: 1,
  })
})

/** People bob and pat with alternate addresses, and a group of them. */
function peopled() {
  const all = world({ aliasFilter: '(cn={user})', disabledFilter: '(gone)' })
  for (const name of ['alice', 'bob', 'gone']) {
    const found = [entry(`uid=${name}`, { mail: `${name}@a.example`, mailalternateaddress: `${name[0]}@a.example` })]
    for (const local of [name, name[0]!])
      all.state.answers.set(`(|(mail=${local}@a.example)(mailAlternateAddress=${local}@a.example))`, found)
  }
  const gone = '(|(mail=gone@a.example)(mailAlternateAddress=gone@a.example))'
  all.state.answers.set(`(&${gone}(gone))`, all.state.answers.get(gone)!)
  const staff = ['bob@a.example', 'deeper@a.example', 'gone@a.example', 'pat@far.example']
  all.state.answers.set('(cn=staff)', [entry('cn=staff', { rfc822mailmember: staff })])
  all.state.answers.set('(cn=deeper)', [entry('cn=deeper', { rfc822mailmember: ['a@a.example', 'staff@a.example'] })])
  all.state.answers.set('(cn=root)', [entry('cn=root', { rfc822mailmember: 'thief@far.example' })])
  const expand = async (address: string): Promise<string> => {
    const [local, domain] = address.split('@') as [string, string]
    const expansion = await expandAddress(all.directory, local, domain, '+')
    if (!expansion) return 'unknown'
    const accounts = expansion.accounts.map(({ name, detail }) => name.split('@')[0] + (detail ? `/${detail}` : ''))
    return [...accounts, ...expansion.remote, ...expansion.disabled.map((name) => `disabled ${name}`)].join(' ')
  }
  return { ...all, expand }
}

test('people by all their addresses, with details; groups in groups, once each', async () => {
  const { expand } = peopled()
  assert.equal(await expand('a@a.example'), 'alice')
  assert.equal(await expand('alice+x@a.example'), 'alice/x')
  assert.equal(await expand('staff@a.example'), 'bob alice pat@far.example disabled gone@a.example')
  assert.equal(await expand('nobody@a.example'), 'unknown')
  assert.equal(await expand('gone@a.example'), 'disabled gone@a.example')
})

test('the store comes first, and is not talked about', async () => {
  const { expand, aliases, addRow, state } = peopled()
  addRow('root@a.example').credentials.push({ type: 'argon2id', name: '', value: 'x' })
  assert.equal(await expand('root@a.example'), 'root')
  assert.equal(state.questions.length, 0)
  aliases['all@a.example'] = ['alice@a.example', 'staff@a.example']
  assert.equal(await expand('all@a.example'), 'alice bob pat@far.example disabled gone@a.example')
  assert.ok(!state.questions.some(({ filter }) => filter.includes('all')))
})

test('an account of the store whose person has gone takes nothing', async () => {
  const { expand, addRow, state } = peopled()
  addRow('alice@a.example')
  state.answers.clear()
  assert.equal(await expand('alice@a.example'), 'unknown')
})

test('a user may send as each of their addresses, and as the groups that lead to them', async () => {
  const { directory } = peopled()
  const may = (local: string): Promise<boolean> => maySendAs(directory, 'alice@a.example', local, 'a.example')
  for (const local of ['alice', 'a', 'a+x', 'staff']) assert.ok(await may(local), local)
  for (const local of ['bob', 'root', 'nobody']) assert.ok(!(await may(local)), local)
})
