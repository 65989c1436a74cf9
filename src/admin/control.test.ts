import assert from 'node:assert/strict'
import { mkdtempSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { checkPassword } from '../directory/password.ts'
import { silentLog } from '../base/log.ts'
import { realClock } from '../platform/real/clock.ts'
import { connectControl } from '../platform/real/control-socket.ts'
import { openStore } from '../store/sqlite/engine.ts'
import type { Store } from '../store/store.ts'
import { pageOf, pageRowsMax } from './control-command.ts'
import { runControl, serveControl } from './control.ts'
import { askOwner, openOwner } from './owner.ts'
import { addAccount, type CommandRefusal } from './provision.ts'

async function memoryStore(t: TestContext): Promise<Store> {
  const store = await openStore({ folder: ':memory:', clock: realClock, log: silentLog })
  t.after(() => store.close())
  return store
}

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-control-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test('a new account has the usual mailboxes, both credentials, and the first one answers postmaster and abuse', async (t) => {
  const store = await memoryStore(t)
  await store.commit([{ kind: 'domainAdd', name: 'example.org' }])
  const options = { nowMs: Date.UTC(2026, 0, 1), quotaBytes: 1000 }
  const alice = await addAccount(store, 'Alice@Example.org', 'correct horse', options)
  assert.equal(alice.name, 'alice@example.org')
  assert.deepEqual(alice.aliases, ['postmaster@example.org', 'abuse@example.org'])
  assert.deepEqual(
    (await store.read.mailboxes(alice.id)).map(({ name, role }) => `${name} ${role}`),
    ['Archive archive', 'Drafts drafts', 'INBOX inbox', 'Junk junk', 'Sent sent', 'Trash trash'],
  )
  assert.equal((await store.read.subscriptions(alice.id)).length, 6)
  assert.ok(await checkPassword((await store.read.credentials(alice.id, 'argon2id'))[0]!.value, 'correct horse'))
  assert.match((await store.read.credentials(alice.id, 'scram-sha-256'))[0]!.value, /^SCRAM-SHA-256\$100000:/)
  assert.equal((await store.read.account('alice@example.org'))!.quotaBytes, 1000)
  assert.deepEqual((await addAccount(store, 'bob@example.org', 'correct horse', options)).aliases, [])
})

test('an account called postmaster is not hidden by an alias', async (t) => {
  const store = await memoryStore(t)
  await store.commit([{ kind: 'domainAdd', name: 'example.org' }])
  const { aliases } = await addAccount(store, 'postmaster@example.org', 'correct horse', { nowMs: 1 })
  assert.deepEqual(aliases, ['abuse@example.org'])
})

async function ask(store: Store, name: string, args: unknown): Promise<unknown> {
  const answer = await runControl({ store, clock: realClock }, name, args)
  return 'error' in answer ? answer.error.code : answer.result
}

test('commands check their arguments', async (t) => {
  const store = await memoryStore(t)
  for (const [name, args] of [
    ['domainAdd', {}],
    ['domainAdd', { name: 3 }],
    ['domainAdd', { name: 'example.org', more: 1 }],
    ['domainAdd', null],
    ['aliasAdd', { address: 'a@example.org', targets: ['b@example.org', 1] }],
    ['accountSet', { name: 'a@example.org', disabled: 'yes' }],
    ['queueAct', { recipients: [-1], act: 'drop' }],
    ['queueAct', { recipients: [1], act: 'burn' }],
  ] as const) {
    assert.equal(await ask(store, name, args), 'badArguments', JSON.stringify([name, args]))
  }
  assert.equal(await ask(store, 'toString', {}), 'noSuchCommand')
  assert.deepEqual(store.read.domains(), [])
})

test('impossible commands are refused with a reason', async (t) => {
  const store = await memoryStore(t)
  await ask(store, 'domainAdd', { name: 'Example.org' })
  await ask(store, 'accountAdd', { name: 'alice@example.org', password: 'correct horse' })
  for (const [name, args, code] of [
    ['domainAdd', { name: 'not a domain' }, 'nameBad'],
    ['domainAdd', { name: '[127.0.0.1]' }, 'nameBad'],
    ['domainRemove', { name: 'example.org' }, 'notAllowed'],
    ['domainRemove', { name: 'example.net' }, 'noSuchDomain'],
    ['accountAdd', { name: 'alice@example.org', password: 'correct horse' }, 'nameTaken'],
    ['accountAdd', { name: 'bob@example.org', password: 'short' }, 'passwordBad'],
    ['accountAdd', { name: 'bob@example.org', password: 'x'.repeat(1025) }, 'passwordBad'],
    ['accountAdd', { name: 'bob@example.net', password: 'correct horse' }, 'noSuchDomain'],
    ['accountAdd', { name: 'bob', password: 'correct horse' }, 'nameBad'],
    ['accountPassword', { name: 'bob@example.org', password: 'correct horse' }, 'noSuchAccount'],
    ['accountRemove', { name: 'bob@example.org' }, 'noSuchAccount'],
    ['aliasAdd', { address: 'alice@example.org', targets: ['x@example.org'] }, 'nameTaken'],
    ['aliasAdd', { address: 'x@example.org', targets: ['x@example.org', 'alice@example.org'] }, 'noSuchAccount'],
    ['accountAdd', { name: 'abuse@example.org', password: 'correct horse' }, 'nameTaken'],
    ['aliasAdd', { address: 'x@example.net', targets: ['x@example.org'] }, 'noSuchDomain'],
    ['aliasAdd', { address: 'x@example.org', targets: ['nobody'] }, 'nameBad'],
    ['aliasAdd', { address: 'x@example.org', targets: [] }, 'badArguments'],
    ['aliasRemove', { address: 'x@example.org', targets: [] }, 'noSuchAlias'],
    ['aliasRemove', { address: 'abuse@example.org', targets: ['x@example.org'] }, 'noSuchAlias'],
    ['mailboxList', { account: 'bob@example.org' }, 'noSuchAccount'],
    ['queueAct', { recipients: [7], act: 'drop' }, 'noSuchEntry'],
  ] as const) {
    assert.equal(await ask(store, name, args), code, JSON.stringify([name, args]))
  }
})

test('aliases grow and shrink by target, and go with the last one', async (t) => {
  const store = await memoryStore(t)
  await ask(store, 'domainAdd', { name: 'example.org' })
  await ask(store, 'aliasAdd', { address: 'Sales@example.org', targets: ['Bob@Example.ORG', 'Eve@Elsewhere.example'] })
  await ask(store, 'aliasAdd', { address: 'sales@example.org', targets: ['bob@example.org', 'carol@example.org'] })
  // Local addresses in canonical spelling; the local part of others is kept.
  assert.deepEqual((await store.read.alias('sales@example.org'))!.targets, [
    'bob@example.org',
    'Eve@elsewhere.example',
    'carol@example.org',
  ])
  await ask(store, 'aliasRemove', {
    address: 'sales@example.org',
    targets: ['bob@example.org', 'Eve@elsewhere.example'],
  })
  assert.deepEqual((await store.read.alias('sales@example.org'))!.targets, ['carol@example.org'])
  await ask(store, 'aliasRemove', { address: 'sales@example.org', targets: ['carol@example.org'] })
  assert.equal(await store.read.alias('sales@example.org'), undefined)
  await ask(store, 'aliasAdd', { address: '@example.org', targets: ['bob@example.org'] })
  assert.deepEqual((await store.read.alias('@example.org'))!.targets, ['bob@example.org'])
})

test('targets that are added and removed at the same time are all added and removed', async (t) => {
  const store = await memoryStore(t)
  await ask(store, 'domainAdd', { name: 'example.org' })
  const address = 'sales@example.org'
  const members = ['a', 'b', 'c', 'd'].map((name) => `${name}@far.example`)
  await Promise.all(members.map((target) => ask(store, 'aliasAdd', { address, targets: [target] })))
  assert.deepEqual([...(await store.read.alias(address))!.targets].sort(), members)
  await Promise.all(members.slice(1).map((target) => ask(store, 'aliasRemove', { address, targets: [target] })))
  assert.deepEqual((await store.read.alias(address))!.targets, members.slice(0, 1))
  const password = 'correct horse'
  const added = ['first', 'second'].map((name) => addAccount(store, `${name}@example.org`, password, { nowMs: 1 }))
  const duties = (await Promise.all(added)).flatMap(({ aliases }) => aliases)
  assert.deepEqual(duties.sort(), ['abuse@example.org', 'postmaster@example.org'])
})

test('an alias of an account keeps a copy there as long as there are others', async (t) => {
  const store = await memoryStore(t)
  await ask(store, 'domainAdd', { name: 'example.org' })
  const alice = 'alice@example.org'
  await ask(store, 'accountAdd', { name: alice, password: 'correct horse' })
  await ask(store, 'aliasAdd', { address: alice, targets: ['Alice@Example.org', 'bob@example.net'] })
  await ask(store, 'aliasAdd', { address: alice, targets: ['carol@example.net'] })
  assert.deepEqual((await store.read.alias(alice))!.targets, [alice, 'bob@example.net', 'carol@example.net'])
  assert.equal(await ask(store, 'aliasRemove', { address: alice, targets: [alice] }), 'nameTaken')
  await ask(store, 'aliasRemove', { address: alice, targets: ['bob@example.net'] })
  assert.deepEqual((await store.read.alias(alice))!.targets, [alice, 'carol@example.net'])
  await ask(store, 'aliasRemove', { address: alice, targets: ['carol@example.net'] })
  assert.equal(await store.read.alias(alice), undefined)
})

test('removing an account returns the aliases that still forward to it', async (t) => {
  const store = await memoryStore(t)
  await ask(store, 'domainAdd', { name: 'example.org' })
  await ask(store, 'accountAdd', { name: 'alice@example.org', password: 'correct horse' })
  assert.deepEqual(await ask(store, 'accountRemove', { name: 'alice@example.org' }), {
    name: 'alice@example.org',
    aliases: ['abuse@example.org', 'postmaster@example.org'],
  })
})

test('a list comes in pages without losses and repeats', async (t) => {
  const store = await memoryStore(t)
  const names = Array.from({ length: pageRowsMax + 7 }, (_, i) => `d${String(i).padStart(4, '0')}.example`)
  await store.commit(names.map((name) => ({ kind: 'domainAdd', name }) as const))
  const seen: string[] = []
  let after: string | undefined
  do {
    const page = (await ask(store, 'domainList', { after })) as { rows: { name: string }[]; next?: string }
    assert.ok(page.rows.length <= pageRowsMax)
    seen.push(...page.rows.map(({ name }) => name))
    after = page.next
  } while (after !== undefined)
  assert.deepEqual(seen, names)
})

test('a page of large rows ends early', () => {
  const rows = Array.from({ length: 10 }, (_, id) => ({ id, text: 'x'.repeat(100_000) }))
  const page = pageOf(rows, ({ id }) => id)
  assert.deepEqual([page.rows.length, page.next], [3, 2])
  assert.deepEqual(pageOf(rows.slice(0, 1), ({ id }) => id).next, undefined)
})

async function served(t: TestContext, folder: string): Promise<Store> {
  const store = await openStore({ folder, clock: realClock, log: silentLog })
  const control = await serveControl({ store, clock: realClock }, { dataFolder: folder, log: silentLog })
  t.after(async () => {
    await control.close()
    await store.close()
  })
  return store
}

test('with a running server, commands go through its socket, which is private', async (t) => {
  const folder = temporary(t)
  const store = await served(t, folder)
  assert.equal(statSync(join(folder, 'control.sock')).mode & 0o777, 0o600)
  await askOwner(folder, 'domainAdd', { name: 'example.org' })
  assert.deepEqual(store.read.domains(), ['example.org'])
  const owner = await openOwner(folder)
  const answers = await Promise.all(
    ['a.example', 'b.example', 'c.example'].map((name) => owner.ask('domainAdd', { name })),
  )
  assert.deepEqual(
    answers.map(({ name }) => name),
    ['a.example', 'b.example', 'c.example'],
  )
  await assert.rejects(
    owner.ask('domainRemove', { name: 'nowhere.example' }),
    (error: CommandRefusal) => error.code === 'noSuchDomain',
  )
  await owner.close()
})

test('without a server, a command owns the folder while it runs', async (t) => {
  const folder = temporary(t)
  await askOwner(folder, 'domainAdd', { name: 'example.org' }, { create: true })
  assert.deepEqual((await askOwner(folder, 'domainList', {})).rows, [{ name: 'example.org' }])
})

test('a mistyped folder is not taken for an empty store', async (t) => {
  const folder = temporary(t)
  await assert.rejects(askOwner(folder, 'domainList', {}), (error: CommandRefusal) => error.code === 'noStore')
})

test('a socket that a killed server left behind is not used', async (t) => {
  const folder = temporary(t)
  await askOwner(folder, 'domainAdd', { name: 'example.org' }, { create: true })
  writeFileSync(join(folder, 'control.sock'), '')
  assert.equal((await askOwner(folder, 'domainList', {})).rows.length, 1)
  await served(t, folder)
  assert.equal((await askOwner(folder, 'domainList', {})).rows.length, 1)
})

test('a path that is too long for a socket works too', async (t) => {
  const folder = join(temporary(t), 'long'.repeat(20), 'longer'.repeat(20))
  mkdirSync(folder, { recursive: true })
  await served(t, folder)
  await askOwner(folder, 'domainAdd', { name: 'example.org' })
  assert.equal((await askOwner(folder, 'domainList', {})).rows.length, 1)
})

test('an invalid request is answered, and an endless line is cut off', async (t) => {
  const folder = temporary(t)
  await served(t, folder)
  const connection = (await connectControl(folder))!
  for (const line of ['no json', 'null', '[]', '{"command":"nothing"}', '{"command":"domainAdd","args":[]}']) {
    const answer = JSON.parse(await connection.ask(line)) as { error: { code: string } }
    assert.match(answer.error.code, /^(?:badRequest|noSuchCommand|badArguments)$/, line)
  }
  await assert.rejects(connection.ask('x'.repeat(300_000)))
  connection.close()
})
