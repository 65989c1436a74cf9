/** App passwords, from the command that makes one to the program that signs in with it. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runCli } from '../../src/cli/cli.ts'
import type { Terminal } from '../../src/platform/real/terminal.ts'
import { removeFolder, temporaryFolder } from './program.ts'
import { password, startReal, type RealSystem } from './real.ts'
import { SaslLine } from './sasl-line.ts'

const alice = 'alice@a.example'
const base = temporaryFolder()
const data = join(base, 'data')
let real: RealSystem

before(async () => {
  real = await startReal({ users: [alice], data, auth: { failuresFree: 1000 } })
})
after(async () => {
  await real.stop()
  removeFolder(base)
})

async function run(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const terminal: Terminal = {
    isPerson: false,
    out: (text) => void (said.out += text),
    note: (text) => void (said.err += text),
    readSecret: async () => undefined,
    readLine: async () => '',
    environment: {},
    onSignal: () => () => {},
    exit() {},
  }
  return { status: await runCli([...args, '--data', data], terminal), ...said }
}

async function signIn(word: string): Promise<string> {
  const line = await SaslLine.open('imaps', real.port('imaps'))
  const { kind } = await line.auth('PLAIN', `\0${alice}\0${word}`)
  line.close()
  return kind
}

test('made, listed, used, revoked: while the server runs', async () => {
  const made = await run('app-password', 'add', alice, 'Phone')
  assert.equal(made.status, 0, made.err)
  assert.match(made.out, /^[a-z2-9]{4}(-[a-z2-9]{4}){3}\n$/)
  const phone = made.out.trim()
  const json = await run('app-password', 'add', alice, 'Work laptop', '--json')
  const laptop = (JSON.parse(json.out) as { password: string }).password
  assert.match(
    (await run('app-password', 'list', alice)).out,
    /^NAME +CREATED +LAST USED\nPhone +\d{4}-\d\d-\d\d +never\n/,
  )

  for (const word of [phone, laptop, password]) assert.equal(await signIn(word), 'in')
  assert.equal(await signIn('aaaa-bbbb-cccc-dddd'), 'refused')
  for (let turns = 0; ; turns++) {
    const rows = JSON.parse((await run('app-password', 'list', alice, '--json')).out) as { usedAtMs: number | null }[]
    if (rows.every(({ usedAtMs }) => usedAtMs !== null)) break
    assert.ok(turns < 100, 'the use is not noted')
  }

  assert.equal((await run('account', 'password', alice, '--generate')).status, 0)
  assert.deepEqual([await signIn(password), await signIn(phone)], ['refused', 'in'])

  assert.equal(
    (await run('app-password', 'remove', alice, 'Phone')).out,
    `Revoked the app password "Phone" of ${alice}.\n`,
  )
  assert.deepEqual([await signIn(phone), await signIn(laptop)], ['refused', 'in'])

  assert.equal((await run('account', 'disable', alice)).status, 0)
  assert.equal(await signIn(laptop), 'refused')
  assert.equal((await run('account', 'enable', alice)).status, 0)
  assert.equal(await signIn(laptop), 'in')
})

test('what cannot be is told in a sentence', async () => {
  const fails = async (...args: string[]): Promise<string> => {
    const { status, out, err } = await run('app-password', ...args)
    assert.deepEqual([status, out], [1, ''])
    return err
  }
  assert.match(
    await fails('add', alice, 'Work laptop'),
    /^alice@a\.example already has an app password "Work laptop": remove it first/,
  )
  assert.match(await fails('add', 'nobody@a.example', 'x'), /^There is no account nobody@a\.example/)
  assert.match(
    await fails('add', alice, '\u001b[2J'),
    /^The name of an app password is one line of at most 64 characters/,
  )
  assert.match(await fails('remove', alice, 'Fridge'), /^alice@a\.example has no app password "Fridge"/)
})
