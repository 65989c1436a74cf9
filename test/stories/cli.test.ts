import assert from 'node:assert/strict'
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runCli } from '../../src/cli/cli.ts'
import type { Terminal } from '../../src/platform/real/terminal.ts'
import { pennypost, removeFolder, temporaryFolder } from './program.ts'

const base = temporaryFolder()
after(() => removeFolder(base))

/** One operator's evening: the commands run one after the other on this folder. */
const data = join(base, 'data')
const at = ['--data', data]

/** The command in this process: quick, and with a keyboard where a test needs one. */
async function run(
  args: readonly string[],
  keyboard: { readonly line?: string; readonly secrets?: string[] } = {},
): Promise<{ status: number; out: string; err: string; exits: number[] }> {
  const said = { out: '', err: '', exits: [] as number[] }
  const terminal: Terminal = {
    isPerson: false,
    out: (text) => void (said.out += text),
    note: (text) => void (said.err += text),
    readSecret: async () => keyboard.secrets?.shift(),
    readLine: async () => keyboard.line ?? '',
    environment: {},
    onSignal: () => () => {},
    exit: (status) => void said.exits.push(status),
  }
  const status = await runCli(args, terminal)
  return { status, ...said }
}

async function fine(args: readonly string[], keyboard: { line?: string; secrets?: string[] } = {}): Promise<string> {
  const { status, out, err } = await run(args, keyboard)
  assert.equal(status, 0, `${args.join(' ')}: ${err}`)
  assert.equal(err, '')
  return out
}

async function failing(
  status: number,
  args: readonly string[],
  keyboard: { line?: string; secrets?: string[] } = {},
): Promise<string> {
  const ran = await run(args, keyboard)
  assert.equal(ran.status, status, `${args.join(' ')}: ${ran.err}`)
  assert.equal(ran.out, '')
  assert.doesNotMatch(ran.err, /^\s+at /m, 'no stack')
  return ran.err
}

const list = async (...args: string[]): Promise<Record<string, unknown>[]> =>
  JSON.parse(await fine([...args, ...at, '--json'])) as Record<string, unknown>[]

test('before there is a store, commands say what to do', async () => {
  const err = await failing(1, ['account', 'list', ...at])
  assert.match(
    err,
    /^There is no store in .*: name its folder with --data or --config, or create one with "pennypost serve" or "pennypost domain add"\.\n$/,
  )
  await failing(1, ['verify', ...at])
})

test('a domain, accounts and aliases are made and listed', async () => {
  assert.equal(await fine(['domain', 'add', 'Example.ORG', ...at]), 'Added domain example.org.\n')
  assert.equal(await fine(['domain', 'add', 'example.org', ...at]), 'Domain example.org already exists.\n')
  assert.equal(
    await fine(['account', 'add', 'Alice@example.org', '--password-stdin', '--quota', '5GB', ...at], {
      line: 'correct horse',
    }),
    'Created account alice@example.org.\nIt also gets the mail of postmaster@example.org and abuse@example.org.\n',
  )
  assert.match(
    await fine(['account', 'add', 'bob@example.org', '--generate', ...at]),
    /^Created account bob@example.org\.\nIts password: \S{19}\n$/,
  )
  await fine(['account', 'add', 'carol@example.org', ...at], { secrets: ['correct horse', 'correct horse'] })
  assert.deepEqual(await list('domain', 'list'), [{ name: 'example.org' }])
  assert.deepEqual(
    (await list('account', 'list')).map(({ name, quotaBytes, disabled }) => [name, quotaBytes, disabled]),
    [
      ['alice@example.org', 5 * 1024 ** 3, false],
      ['bob@example.org', 0, false],
      ['carol@example.org', 0, false],
    ],
  )
  await fine([
    'alias',
    'add',
    'sales@example.org',
    'alice@example.org',
    'bob@example.org',
    'eve@elsewhere.example',
    ...at,
  ])
  await fine(['alias', 'remove', 'sales@example.org', 'bob@example.org', ...at])
  assert.deepEqual((await list('alias', 'list')).find(({ address }) => address === 'sales@example.org')!['targets'], [
    'alice@example.org',
    'eve@elsewhere.example',
  ])
  assert.deepEqual(
    (await list('mailbox', 'list', 'alice@example.org')).map(({ name, role }) => `${String(name)} ${String(role)}`),
    ['Archive archive', 'Drafts drafts', 'INBOX inbox', 'Junk junk', 'Sent sent', 'Trash trash'],
  )
})

test('lists for people have columns', async () => {
  assert.equal(
    await fine(['account', 'list', ...at]),
    [
      'ACCOUNT            MESSAGES  USED     QUOTA  STATE',
      'alice@example.org         0   0 B    5.0 GB  enabled',
      'bob@example.org           0   0 B  no limit  enabled',
      'carol@example.org         0   0 B  no limit  enabled',
      '',
    ].join('\n'),
  )
  assert.deepEqual(await list('queue', 'list'), [])
  assert.equal((await run(['queue', 'list', ...at])).err, 'The queue is empty.\n')
})

test('accounts change', async () => {
  assert.equal(
    await fine(['account', 'quota', 'bob@example.org', '1.5GB', ...at]),
    'Quota of bob@example.org: 1.5 GB.\n',
  )
  await fine(['account', 'disable', 'bob@example.org', ...at])
  await fine(['account', 'password', 'carol@example.org', '--password-stdin', ...at], { line: 'another password' })
  const bob = (await list('account', 'list')).find(({ name }) => name === 'bob@example.org')!
  assert.deepEqual([bob['quotaBytes'], bob['disabled']], [1.5 * 1024 ** 3, true])
  await fine(['account', 'enable', 'bob@example.org', ...at])
  assert.match(
    await failing(1, ['account', 'remove', 'carol@example.org', ...at]),
    /^carol@example.org has 0 messages, which would be deleted: confirm with --yes/,
  )
  await fine(['account', 'remove', 'carol@example.org', '--yes', ...at])
  assert.equal((await list('account', 'list')).length, 2)
  assert.match(
    await failing(1, ['account', 'remove', 'bob@example.org', ...at]),
    /^bob@example.org has 0 messages, which would be deleted/,
  )
})

test('what was asked wrongly is told in one sentence', async () => {
  assert.equal(
    await failing(1, ['account', 'add', 'x@nowhere.example', '--password-stdin', ...at], { line: 'correct horse' }),
    'nowhere.example is not one of our domains: add it first.\n',
  )
  assert.match(
    await failing(1, ['account', 'add', 'x@example.org', '--password-stdin', ...at], { line: 'short' }),
    /^The password is too short: take at least 8 characters\.\n$/,
  )
  assert.match(
    await failing(1, ['account', 'add', 'x@example.org', '--password-stdin', ...at]),
    /^No password on standard input/,
  )
  assert.match(
    await failing(1, ['account', 'add', 'x@example.org', ...at], { secrets: ['one password', 'another one'] }),
    /^The passwords differ; nothing was changed\.\n$/,
  )
  assert.match(
    await failing(2, ['account', 'add', 'x@example.org', ...at]),
    /^stdin is not a terminal, so there is no way to ask for the password: use --password-stdin or --generate\.$/m,
  )
  assert.match(
    await failing(2, ['account', 'add', 'x@example.org', '--quota', 'much', ...at]),
    /^A quota must be a size/,
  )
  assert.equal(
    await failing(1, ['domain', 'remove', 'example.org', ...at]),
    'The domain still has accounts (alice@example.org): remove them first.\n',
  )
  assert.match(
    await failing(1, ['queue', 'drop', '7', ...at]),
    /^Recipient 7 is not in the queue: "pennypost queue list" shows those that are, /,
  )
  assert.match(
    await failing(2, ['queue', 'drop', ...at]),
    /^Choose the recipients to drop: ids, --all, or filters such as --sender /,
  )
  assert.match(await failing(2, ['queue', 'drop', 'seven', ...at]), /^"seven" is not an id/)
  assert.match(
    await failing(1, ['trace', 'nobody@example.org', ...at]),
    /^No messages found for "nobody@example.org"\. Traces are kept for 30 days/,
  )
})

test('wrong usage is status 2, and a near name is suggested', async () => {
  assert.match(await failing(2, ['acount', 'list']), /unknown command 'acount'\n\(Did you mean account\?\)/)
  assert.match(await failing(2, ['account', 'list', '--jsn']), /unknown option '--jsn'\n\(Did you mean --json\?\)/)
  assert.match(await failing(2, ['domain', 'add']), /missing required argument 'domain'/)
  assert.match(await failing(2, ['domain']), /^Usage: pennypost domain/)
  assert.match(await failing(2, []), /^Usage: pennypost/)
})

test('what adds, changes and removes tells it as JSON too; so does what fails', async () => {
  const json = async (...args: string[]): Promise<unknown> => JSON.parse(await fine([...args, '--json', ...at]))
  assert.deepEqual(await json('domain', 'add', 'json.example'), { name: 'json.example', added: true })
  const { name, password, ...more } = (await json('account', 'add', 'j@json.example', '--generate')) as {
    name: string
    password: string
  }
  assert.equal(name, 'j@json.example')
  assert.match(password, /^\S{19}$/)
  assert.deepEqual(more, { quotaBytes: 0, aliases: ['postmaster@json.example', 'abuse@json.example'] })
  assert.deepEqual(await json('account', 'quota', 'j@json.example', '1GB'), {
    name: 'j@json.example',
    quotaBytes: 1024 ** 3,
  })
  assert.deepEqual(await json('account', 'disable', 'j@json.example'), { name: 'j@json.example', disabled: true })
  assert.deepEqual(Object.keys((await json('account', 'password', 'j@json.example', '--generate')) as object), [
    'name',
    'password',
  ])
  assert.deepEqual(await json('alias', 'add', 'x@json.example', 'j@json.example'), {
    address: 'x@json.example',
    targets: ['j@json.example'],
  })
  assert.deepEqual(await json('alias', 'remove', 'x@json.example'), { address: 'x@json.example', targets: [] })
  const failed = async (status: number, ...args: string[]): Promise<string> => {
    const { out, err, ...ran } = await run([...args, '--json'])
    assert.equal(ran.status, status)
    assert.notEqual(err, '')
    const told = JSON.parse(out) as { error: string; status: number }
    assert.equal(told.status, status)
    return told.error
  }
  assert.match(await failed(1, 'account', 'show', 'nobody@json.example', ...at), /nobody@json\.example/)
  assert.match(await failed(1, 'account', 'list', '--data', join(base, 'nowhere')), /^There is no store in /)
  assert.match(await failed(2, 'account', 'quota', 'j@json.example', 'much', ...at), /^A quota must be a size/)
  assert.match(await failed(2, 'account', 'quota', 'j@json.example', ...at), /^missing required argument/)
  assert.match(await failed(2, 'acount', 'list'), /^unknown command 'acount'/)
  const { out } = await run(['account', 'remove', 'j@json.example', '--yes', '--json', ...at])
  assert.equal((JSON.parse(out) as { name: string }).name, 'j@json.example')
  assert.deepEqual(await json('domain', 'remove', 'json.example'), { name: 'json.example' })
})

/** What has no answer to tell: it runs on, or prints a text that is for other programs. */
const withoutJson = ['serve', 'quickstart', 'completion', 'config sample', 'config reference']

test('every command that answers knows --json, and help that was asked for is no fault', async () => {
  const visit = async (path: readonly string[]): Promise<void> => {
    const out = await fine(['help', ...path])
    const commands = /^Commands:\n((?: {2}.*\n)+)/m.exec(out)?.[1]
    const names = [...(commands ?? '').matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name]) => name!)
    for (const name of names) if (name !== 'help') await visitBelow([...path, name])
    if (commands === undefined && path.length > 0)
      assert.equal(/^ +--json\b/m.test(out), !withoutJson.includes(path.join(' ')), path.join(' '))
  }
  // "help" knows one name; deeper ones are asked by their own option.
  const visitBelow = async (path: readonly string[]): Promise<void> => {
    if (path.length === 1) return visit(path)
    const out = await fine([...path, '--help'])
    assert.equal(/^ +--json\b/m.test(out), !withoutJson.includes(path.join(' ')), path.join(' '))
  }
  await visit([])
})

test('every command has help with examples', async () => {
  const visit = async (path: readonly string[]): Promise<number> => {
    const out = await fine([...path, '--help'])
    assert.match(out, /^Usage: pennypost/)
    assert.match(out, /^Examples:\n {2}pennypost/m, path.join(' '))
    const commands = /^Commands:\n((?: {2}.*\n)+)/m.exec(out)?.[1] ?? ''
    let count = 1
    for (const [, name] of commands.matchAll(/^ {2}([a-z][a-z-]*)/gm))
      if (name !== 'help') count += await visit([...path, name!])
    return count
  }
  assert.ok((await visit([])) > 25)
})

test('a configuration is checked, explained and begun', async () => {
  const file = join(base, 'pennypost.toml')
  const sample = await fine(['config', 'sample'])
  writeFileSync(file, sample)
  assert.equal(
    await fine(['config', 'check', file]),
    `${file} is valid: 10 listeners, data in ${join(base, 'data')}.\n`,
  )
  writeFileSync(file, 'hostname = "mail.example.org"\n\n[[listner]]\nservice = "smtp"\n')
  assert.equal(
    await failing(1, ['config', 'check', file]),
    `${file}:3: Unknown key "listner" in the configuration. Did you mean "listener"?\n`,
  )
  const { status, out } = await run(['config', 'check', file, '--json'])
  assert.equal(status, 1)
  assert.deepEqual(
    (JSON.parse(out) as { line: number; key: string }[]).map(({ line, key }) => [line, key]),
    [[3, 'listner']],
  )
  // Whoever uses it is told the same.
  assert.match(await failing(1, ['account', 'list', '--config', file]), /:3: Unknown key "listner"/)
  assert.match(
    await fine(['config', 'explain', 'hopsMax']),
    /^transfer\.hopsMax\n {2}Maximum number of Received fields/,
  )
  assert.equal(await failing(1, ['config', 'explain', 'hopMax']), 'Unknown key "hopMax". Did you mean "hopsMax"?\n')
})

test("the data folder comes from the configuration, relative to the file's own folder", async () => {
  const folder = join(base, 'etc')
  mkdirSync(folder)
  const file = join(folder, 'pennypost.toml')
  writeFileSync(file, 'data = "../elsewhere"\n')
  await fine(['domain', 'add', 'example.net', '--config', file])
  assert.ok(statSync(join(base, 'elsewhere', 'pennypost.db')).isFile())
})

test('the store is sound after all this', async () => {
  assert.match(await fine(['verify', ...at]), /^All is well: checked 2 accounts, 12 mailboxes, 0 messages/)
  const report = JSON.parse(await fine(['verify', '--json', ...at])) as { faultsInAll: number }
  assert.equal(report.faultsInAll, 0)
})

before(async () => {
  // The first process builds the program; the others find it.
  await pennypost(['version'])
})

test('the process: results on standard output, faults on standard error, status in the end', async () => {
  const version = await pennypost(['version', '--json'])
  assert.equal(version.status, 0)
  assert.equal((JSON.parse(version.out) as { node: string }).node, process.versions.node)
  assert.match((await pennypost(['--version'])).out, /^\d+\.\d+\.\d+\n$/)
  const wrong = await pennypost(['acount'])
  assert.deepEqual([wrong.status, wrong.out], [2, ''])
  const folder = join(base, 'process')
  assert.equal((await pennypost(['domain', 'add', 'example.org', '-d', folder])).status, 0)
  const added = await pennypost(['account', 'add', 'alice@example.org', '--password-stdin', '-d', folder], {
    input: 'correct horse\r\nmore\n',
  })
  assert.deepEqual([added.status, added.err], [0, ''])
  const none = await pennypost(['account', 'add', 'bob@example.org', '-d', folder])
  assert.equal(none.status, 2)
  assert.match(none.err, /^stdin is not a terminal/)
})

test('a stack is shown to whoever asks for it, and to nobody else', async () => {
  const folder = join(base, 'nowhere')
  assert.doesNotMatch((await pennypost(['account', 'list', '-d', folder])).err, /^\s+at /m)
  assert.match(
    (await pennypost(['account', 'list', '-d', folder], { environment: { PENNYPOST_DEBUG: '1' } })).err,
    /^\s+at /m,
  )
})
