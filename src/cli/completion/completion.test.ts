import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { runCli } from '../cli.ts'

async function script(shell: string): Promise<string> {
  let out = ''
  let err = ''
  const status = await runCli(['completion', shell], {
    isPerson: false,
    out: (text) => void (out += text),
    note: (text) => void (err += text),
    readSecret: async () => undefined,
    readLine: async () => '',
    environment: {},
    onSignal: () => () => {},
    exit: () => {},
  })
  assert.equal(status, 0, err)
  return out
}

const hasShell = (shell: string): boolean => spawnSync(shell, ['-c', 'exit 0']).status === 0

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'pennypost-completion-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

test('bash completes commands, subcommands, options and files', { skip: !hasShell('bash') }, async (t) => {
  const cwd = folder(t)
  writeFileSync(join(cwd, 'mail.toml'), '')
  mkdirSync(join(cwd, 'old backup'))
  const source = await script('bash')
  const complete = (...words: string[]): string[] => {
    const typed = ['pennypost', ...words]
    const call = `COMP_WORDS=(${typed.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${typed.length - 1}; _pennypost; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', `set -u\n${source}\n${call}`], {
      cwd,
      encoding: 'utf8',
    })
    assert.equal(status, 0, stderr)
    assert.equal(stderr, '')
    return stdout.split('\n').filter((line) => line !== '')
  }
  assert.deepEqual(complete('ba'), ['backup'])
  assert.deepEqual(complete('queue', 're'), ['release', 'retry', 'reroute'])
  assert.deepEqual(complete('queue', 'reroute', '--t'), ['--to'])
  assert.deepEqual(complete('account', 'add', 'alice@example.org', '--qu'), ['--quota'])
  assert.deepEqual(complete('--config', 'mail.toml', 'mailbox', 'sta'), ['status'])
  assert.deepEqual(complete('serve', '--config', 'm'), ['mail.toml'])
  assert.deepEqual(complete('restore', 'ol'), ['old backup'])
  assert.deepEqual(complete('account', 'quota', '--data', 'x', ''), [])
  assert.deepEqual(complete('account', 'add', '--quota', ''), [])
  const all = complete('')
  for (const name of ['serve', 'trace', 'restore', 'reindex', 'completion']) assert.ok(all.includes(name), name)
})

for (const shell of ['zsh', 'fish']) {
  test(`${shell} takes its completion`, { skip: !hasShell(shell) }, async (t) => {
    const file = join(folder(t), 'script')
    writeFileSync(file, await script(shell))
    const { status, stderr } = spawnSync(shell, ['-n', file], { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
  })
}

test('each shell is told of every command and option', async () => {
  const [bash, zsh, fish] = await Promise.all(['bash', 'zsh', 'fish'].map(script))
  for (const text of ['queue reroute', 'mailbox status', 'account add', 'backup']) {
    for (const one of [bash!, zsh!]) assert.ok(one.includes(`'${text}'`), text)
    assert.ok(fish!.includes(`__pennypost_at "${text}"`), text)
  }
  assert.match(fish!, /-l older-than -d '.*' -x/)
  assert.match(fish!, /-l config -s c -d '.*' -r -F/)
  // An apostrophe of a description must not end its quotes.
  assert.match(zsh!, /'subscribe:subscribe to a mailbox, so that mail programs show it'/)
  assert.match(fish!, /'subscribe to a mailbox, so that mail programs show it'/)
})
