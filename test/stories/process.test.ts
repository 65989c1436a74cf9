/** The process itself: it lives on any Node and with any options, ends with a word and status 1 where it cannot go on, and says nothing else on stderr. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { freePort } from '../support/free-port.ts'
import { signalProcess } from '../support/signal-process.ts'
import { dialogue } from './dialogue.ts'
import { pennypost, programFile, removeFolder, run, serve, temporaryFolder, type Server } from './program.ts'

const base = temporaryFolder()
after(() => removeFolder(base))

let folders = 0

function configuration(more = '', port = 0): { file: string; data: string } {
  const name = `system${++folders}`
  const file = join(base, `${name}.toml`)
  writeFileSync(file, `data = "${name}"\n${more}[[listener]]\nservice = "smtp"\naddress = "127.0.0.1:${port}"\n`)
  return { file, data: join(base, name) }
}

async function running(t: TestContext, file: string, environment: Record<string, string> = {}): Promise<Server> {
  const server = await serve(['--config', file], 1, environment)
  t.after(() => {
    server.signal('SIGKILL')
    return server.ended
  })
  return server
}

/** What Node says by itself. */
const warnings = (text: string): string[] => text.split('\n').filter((line) => /Warning|\(node:|--trace/.test(line))

/** Lines of standard error that are no event. */
const words = (text: string): string[] => text.split('\n').filter((line) => line !== '' && !line.startsWith('{'))

test('whatever runs, standard error has events and nothing else: no warning of Node', async (t) => {
  const { file, data } = configuration()
  const server = await running(t, file)
  const socket = connect(server.port('smtp'), '127.0.0.1')
  await dialogue(socket, [
    ['', /^220 .*\r\n/],
    ['EHLO there.example\r\n', /^250 .*\r\n/m],
    ['QUIT\r\n', /^221 .*\r\n/m],
  ])
  socket.destroy()
  for (const command of [['account', 'list'], ['verify'], ['queue', 'list'], ['version'], ['config', 'check']])
    assert.deepEqual(
      warnings((await pennypost([...command, ...(command[0] === 'version' ? [] : ['--config', file])])).err),
      [],
      command.join(' '),
    )
  server.signal('SIGTERM')
  assert.equal(await server.ended, 0)
  assert.deepEqual(words(server.texts.err), [])
  // Without a server the command opens the store itself.
  for (const command of [['account', 'list'], ['verify'], ['backup', `${data}.backup`]])
    assert.deepEqual(warnings((await pennypost([...command, '--config', file])).err), [], command.join(' '))
})

test('options of V8 on the command line reach no thread that would refuse them', async () => {
  const { file } = configuration()
  const { file: program, args } = { file: await programFile(), args: ['account', 'list', '--config', file] }
  assert.equal((await pennypost(['domain', 'add', 'a.example', '--config', file])).status, 0)
  const options = [
    '--max-old-space-size=512',
    '--max-semi-space-size=16',
    '--v8-pool-size=2',
    '--expose-gc',
    '--stack-size=900',
  ]
  const ran = spawnSync(process.execPath, [...options, program, ...args], { encoding: 'utf8' })
  assert.deepEqual([ran.status, warnings(ran.stderr)], [0, []])
})

/** Loaded before the program: a signal brings about what no code of ours catches. */
function preload(name: string, deed: string): Record<string, string> {
  const file = join(base, `${name}.mjs`)
  writeFileSync(
    file,
    `import { isMainThread } from 'node:worker_threads'\nif (isMainThread) process.on('SIGUSR2', () => { ${deed} })\n`,
  )
  return { NODE_OPTIONS: `--import ${file}` }
}

for (const [name, deed] of Object.entries({
  exception: `setTimeout(() => { throw new Error('injected') })`,
  rejection: `Promise.reject(new Error('injected'))`,
  odd: `Promise.reject(undefined)`,
})) {
  test(`a fault that nothing caught (${name}) is an event, and the process ends with status 1`, async (t) => {
    const { file } = configuration()
    const server = await running(t, file, preload(name, deed))
    signalProcess(server.pid, 'SIGUSR2')
    assert.equal(await server.ended, 1)
    const last = server.events().at(-1)!
    assert.equal(last.event, 'uncaught exception')
    assert.match(String(last['error']), name === 'odd' ? /undefined/ : /injected[\s\S]*at /)
    assert.deepEqual(words(server.texts.err), [])
    // What it held is whole, and free again.
    assert.equal((await pennypost(['verify', '--config', file])).status, 0)
  })
}

test('with a log file the fault is written there whole, and told on standard error', async () => {
  const { data } = configuration()
  const log = join(base, 'events.log')
  const file = join(base, 'logged.toml')
  const port = await freePort()
  writeFileSync(
    file,
    `data = "${data}"\n[log]\nfile = "${log}"\n[[listener]]\nservice = "smtp"\naddress = "127.0.0.1:${port}"\n`,
  )
  const server = run(await programFile(), ['serve', '--config', file], {
    environment: preload('logged', `setTimeout(() => { throw new Error('injected') })`),
  })
  // The file is there before it has its line.
  const pid = await eventually(() => Number.parseInt(readFileSync(join(data, 'owner.pid'), 'utf8'), 10) || undefined)
  await eventually(() => readFileSync(log, 'utf8').includes('"listening"') || undefined)
  signalProcess(pid, 'SIGUSR2')
  const { status, err } = await server
  assert.deepEqual([status, err], [1, 'Pennypost stopped after an error: Error: injected.\n'])
  assert.match(readFileSync(log, 'utf8'), /"uncaught exception","error":"Error: injected\\n .*\}\n$/)
})

async function eventually<T>(look: () => T | undefined): Promise<T> {
  for (;;) {
    try {
      const found = look()
      if (found !== undefined) return found
    } catch {
      // Not there yet.
    }
    await new Promise((resolve) => void setTimeout(resolve, 10))
  }
}
