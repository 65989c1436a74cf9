/** Every command, called wrongly in every way: what is said, where, and with which status. Found through the help, so that no new one is left out. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runCli } from '../../src/cli/cli.ts'
import type { Terminal } from '../../src/platform/real/terminal.ts'
import { removeFolder, temporaryFolder } from './program.ts'

const base = temporaryFolder()
after(() => removeFolder(base))
const data = join(base, 'data')
const nowhere = join(base, 'nowhere')
const alice = 'alice@example.org'

interface Ran {
  readonly status: number
  readonly out: string
  readonly err: string
}

async function run(args: readonly string[]): Promise<Ran> {
  const said = { out: '', err: '' }
  const terminal: Terminal = {
    isPerson: false,
    out: (text) => void (said.out += text),
    note: (text) => void (said.err += text),
    readSecret: async () => undefined,
    readLine: async () => 'correct horse',
    environment: {},
    onSignal: () => () => {},
    exit: () => {},
  }
  return { status: await runCli(args, terminal), ...said }
}

interface Leaf {
  readonly path: readonly string[]
  readonly usage: string
  readonly options: ReadonlySet<string>
}

const leaves: Leaf[] = []

before(async () => {
  const visit = async (path: readonly string[]): Promise<void> => {
    const { out } = await run([...path, '--help'])
    const commands = /^Commands:\n((?: {2}.*\n)+)/m.exec(out)?.[1]
    if (commands === undefined) {
      const options = new Set([...out.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, name]) => name!))
      leaves.push({ path, usage: /^Usage: (.*)$/m.exec(out)![1]!, options })
      return
    }
    for (const [, name] of commands.matchAll(/^ {2}([a-z-]+)/gm)) if (name !== 'help') await visit([...path, name!])
  }
  await visit([])
  assert.ok(leaves.length > 40, `${leaves.length}`)
  assert.equal((await run(['domain', 'add', 'example.org', '-d', data])).status, 0)
  assert.equal((await run(['account', 'add', alice, '--password-stdin', '-d', data])).status, 0)
})

/** A fault is one or two sentences on standard error, without a stack, and nothing on standard output. */
function checkFault({ out, err, status }: Ran, expected: number, what: string): void {
  assert.equal(status, expected, `${what}: ${err}`)
  assert.equal(out, '', what)
  assert.match(err, /\S/, what)
  assert.doesNotMatch(err, /^\s+at /m, what)
  assert.doesNotMatch(err, /undefined|\[object|It failed:/, what)
}

test('an unknown option is wrong usage', async () => {
  for (const { path } of leaves) checkFault(await run([...path, '--no-such-option']), 2, path.join(' '))
})

test('a missing argument is wrong usage, and one too many as well', async () => {
  for (const { path, usage } of leaves) {
    if (usage.includes('<')) checkFault(await run(path), 2, path.join(' '))
    if (!/\.\.\.|\[/.test(usage.replace('[options]', ''))) {
      const count = usage.match(/<[^>]+>/g)?.length ?? 0
      const args = Array.from({ length: count + 1 }, () => 'x')
      checkFault(await run([...path, ...args]), 2, path.join(' '))
    }
  }
})

test('where no store is, each command says how to name one', async () => {
  const values: Readonly<Record<string, string>> = {
    '<shell>': 'bash',
    '<size>': '5GB',
    '<id>': '7',
    '<domain>': 'example.org',
  }
  // They make a store, or ask the configuration alone.
  const needNone = new Set(['serve', 'quickstart', 'domain add', 'domain dns', 'check', 'route'])
  let count = 0
  for (const { path, usage, options } of leaves) {
    const name = path.join(' ')
    if (!options.has('--data') || needNone.has(name) || path[0] === 'config') continue
    const args = (usage.match(/<[^>]+>/g) ?? []).map((one) => values[one] ?? alice)
    // Those that ask for more than their arguments.
    const more =
      name === 'queue reroute'
        ? ['--to', 'mx', '--all']
        : path[0] === 'queue' && usage.includes('[ids...]')
          ? ['--all']
          : []
    const given = [...args, ...more, ...(options.has('--password-stdin') ? ['--password-stdin'] : [])]
    const question = name === 'trace' ? ['nobody'] : []
    const ran = await run([...path, ...given, ...question, '--data', nowhere])
    if (path[0] === 'send' || path[0] === 'app-password') continue
    checkFault(ran, 1, name)
    assert.match(ran.err, /: (?:name|take)|"pennypost /, name)
    count++
  }
  assert.ok(count > 30, `${count}`)
})

test('--json gives JSON, also of nothing', async () => {
  const here: readonly (readonly string[])[] = [
    ['domain', 'list'],
    ['account', 'list'],
    ['account', 'show', alice],
    ['alias', 'list'],
    ['mailbox', 'list', alice],
    ['mailbox', 'show', alice, 'INBOX'],
    ['mailbox', 'create', alice, 'Projects'],
    ['mailbox', 'rename', alice, 'Projects', 'Old'],
    ['mailbox', 'unsubscribe', alice, 'Projects'],
    ['mailbox', 'delete', alice, 'Old'],
    ['queue', 'list'],
    ['queue', 'list', '--by-destination'],
    ['queue', 'hold', '--all'],
    ['queue', 'reroute', '--older-than', '1h', '--to', 'relay.example.net:25'],
    ['verify', '--deep'],
    ['reindex'],
    ['reindex', '--account', alice],
    ['backup', join(base, 'backup')],
    ['verify', '--backup', join(base, 'backup')],
    ['restore', join(base, 'backup'), '--account', alice],
  ]
  for (const args of here) {
    const { status, out, err } = await run([...args, '--json', '--data', data])
    assert.deepEqual([status, err], [0, ''], args.join(' '))
    assert.doesNotThrow(() => JSON.parse(out) as unknown, `${args.join(' ')}: ${out}`)
  }
  const { status, out } = await run(['trace', 'nobody@example.org', '--json', '--data', data])
  assert.deepEqual([status, JSON.parse(out)], [1, []])
})

test('values that cannot be are told with what can', async () => {
  const faults: readonly (readonly [args: readonly string[], status: number, text: RegExp])[] = [
    [['queue', 'list', '--older-than', 'soon'], 2, /^--older-than must be a time: .* Write it like "30s"/],
    [['queue', 'list', '--state', 'tired'], 2, /use ready, deferred, leased or held/],
    [['queue', 'list', '--limit', '0'], 2, /^--limit must be a number above 0/],
    [['queue', 'list', '--by-destination', '--state', 'held'], 2, /leave the other options out/],
    [['queue', 'retry', '17', '--all'], 2, /ids, --all, or filters/],
    [['queue', 'show', 'x'], 2, /"queue list" shows/],
    [['queue', 'show', '17'], 1, /"pennypost queue list" shows/],
    [['queue', 'reroute', '17'], 2, /required option '--to <host:port>'/],
    [['trace'], 2, /^Say what to look for/],
    [['trace', '--since', '1h', '--from', '2026-01-01'], 2, /either --since or --from/],
    [['trace', 'x', '--from', 'yesterday'], 2, /as 2026-02-01/],
    [['trace', 'x', '--from', '2026-02-02', '--to', '2026-02-01'], 2, /--to must be later/],
    [['restore', nowhere], 1, /There is no backup in .*nowhere: name the folder/],
    [['restore', nowhere, '--into', 'X'], 2, /--into needs an account/],
    [['restore', nowhere, '--account', alice, '--force'], 2, /are for a full restore/],
    [['restore', nowhere, '--account', alice], 1, /There is no backup in/],
    [['restore', join(base, 'backup'), '--account', 'bob@example.org'], 1, /has no account bob@example\.org/],
    [['restore', join(base, 'backup'), '--account', alice, '--message', '<1@x>'], 1, /has no message <1@x>/],
    [['restore', join(base, 'backup')], 1, /take --force to move it aside/],
    [['backup', data], 1, /lies in the data folder/],
    [['backup', base], 1, /holds something else/],
    [['verify', '--backup', base], 1, /There is no backup in/],
    [['reindex', '--account', 'bob@example.org'], 1, /"pennypost account list" lists them/],
    [['mailbox', 'show', alice, 'Nowhere'], 1, /"pennypost mailbox list alice@example\.org" lists them/],
    [['completion', 'tcsh'], 2, /use bash, zsh, fish/],
    [['account', 'show', 'nobody'], 1, /is not a mail address: write it as user@example\.org/],
  ]
  for (const [args, status, text] of faults) {
    const ran = await run(args[0] === 'completion' ? args : [...args, '--data', data])
    checkFault(ran, status, args.join(' '))
    assert.match(ran.err, text, args.join(' '))
  }
})
