/** Whose files and sockets are, and who may read them: whatever the folder's mode, the umask, and whether root ran the command. */
import assert from 'node:assert/strict'
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { freePort } from '../support/free-port.ts'
import { dialogue } from './dialogue.ts'
import { pennypost, programFile, removeFolder, run, serve, temporaryFolder, type Server } from './program.ts'

const base = temporaryFolder()
after(() => removeFolder(base))
// Another user has to reach what lies in it.
chmodSync(base, 0o755)

let folders = 0

function configuration(more = '', port = 0): { file: string; data: string; name: string } {
  const name = `system${++folders}`
  const file = join(base, `${name}.toml`)
  writeFileSync(file, `data = "${name}"\n${more}[[listener]]\nservice = "smtp"\naddress = "127.0.0.1:${port}"\n`)
  return { file, data: join(base, name), name }
}

async function running(t: TestContext, file: string): Promise<Server> {
  const server = await serve(['--config', file], 1)
  t.after(() => {
    server.signal('SIGKILL')
    return server.ended
  })
  return server
}

async function send(server: Server): Promise<void> {
  const socket = connect(server.port('smtp'), '127.0.0.1')
  await dialogue(socket, [
    ['', /^220 .*\r\n/],
    ['EHLO there.example\r\n', /^250 .*\r\n/m],
    ['MAIL FROM:<eve@there.example>\r\n', /^250 .*\r\n/m],
    ['RCPT TO:<admin@pennypost.localhost>\r\n', /^250 .*\r\n/m],
    ['DATA\r\n', /^354 .*\r\n/m],
    // Larger than what stays in a segment, so that it has a file of its own.
    [`Subject: large\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(30_000)}.\r\n`, /^250 .*\r\n/m],
    ['QUIT\r\n', /^221 .*\r\n/m],
  ])
  socket.destroy()
}

/** Everything below a folder, links and sockets as well. */
function below(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return [path, ...(lstatSync(path).isDirectory() ? below(path) : [])]
  })
}

const readableToOthers = (folder: string): string[] =>
  below(folder).filter((path) => (lstatSync(path).mode & 0o077) !== 0)

test('a data folder that others may look into is told of, and nothing in it can be read', async (t) => {
  const { file, data } = configuration()
  mkdirSync(data)
  chmodSync(data, 0o755)
  const before = process.umask(0)
  t.after(() => process.umask(before))
  const server = await running(t, file)
  process.umask(before)
  await send(server)
  // Tracing has the trace written down.
  await pennypost(['trace', 'eve@there.example', '--config', file])
  const warned = server.events().find(({ event }) => event.startsWith('data folder is accessible'))
  assert.deepEqual([warned?.['folder'], warned?.['mode']], [data, '755'])
  const all = below(data)
  for (const name of [
    'pennypost.db',
    'pennypost.db-wal',
    'segments',
    'large',
    'trace',
    'submit.sock',
    'control.sock',
    'tls/self-signed.key',
  ])
    assert.ok(all.includes(join(data, name)), name)
  assert.deepEqual(readableToOthers(data), [])
  const backup = `${data}.backup`
  assert.equal((await pennypost(['backup', backup, '--config', file])).status, 0)
  assert.deepEqual(readableToOthers(backup), [])
  assert.equal(statSync(backup).mode & 0o077, 0)
})

test('what an earlier version left readable is closed at the next start', async (t) => {
  const { file, data } = configuration()
  const first = await running(t, file)
  first.signal('SIGTERM')
  await first.ended
  for (const name of readdirSync(data))
    chmodSync(join(data, name), statSync(join(data, name)).isDirectory() ? 0o755 : 0o644)
  const again = await running(t, file)
  assert.deepEqual(
    readdirSync(data).filter((name) => (lstatSync(join(data, name)).mode & 0o077) !== 0),
    [],
  )
  assert.equal(
    again.events().some(({ event }) => event.startsWith('other users')),
    false,
    'the folder itself is closed',
  )
})

test('a submit socket elsewhere is for every user, as is the folder that is made for it', async (t) => {
  const { file, data, name } = configuration('')
  writeFileSync(file, `submitSocket = "run-${name}/submit.sock"\n${readFileSync(file, 'utf8')}`)
  await running(t, file)
  const folder = join(base, `run-${name}`)
  assert.deepEqual([statSync(folder).mode & 0o777, statSync(join(folder, 'submit.sock')).mode & 0o777], [0o755, 0o666])
  assert.deepEqual(readableToOthers(data), [])
})

/** A user whose own group has another number than itself, as "useradd --system" makes them. */
function oddUser(): { name: string; uid: number; gid: number } | undefined {
  const rows = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const row = rows.find(([, , uid, gid]) => uid !== gid && Number(uid) > 0 && Number(gid) > 0)
  return row && { name: row[0]!, uid: Number(row[2]), gid: Number(row[3]) }
}

function canOthersRead(path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o005) !== 0o005) return false
    if (at === dirname(at)) return true
  }
}

const user = process.getuid?.() === 0 ? oddUser() : undefined
const root = process.env['PENNYPOST_ROOT']!
const skip =
  process.getuid?.() !== 0
    ? 'only root can become another user'
    : !user
      ? 'no user here has a group of another number'
      : !canOthersRead(root) && 'other users cannot read this checkout'

/** Those below a folder, itself among them, that do not belong to the user and its own group. */
const foreign = (folder: string): string[] =>
  [folder, ...below(folder)].filter((path) => {
    const { uid, gid } = lstatSync(path)
    return uid !== user!.uid || gid !== user!.gid
  })

test('user = takes the group of the user, whatever its number', { skip }, async (t) => {
  const { file, data } = configuration(`user = "${user!.name}"\n`)
  const server = await running(t, file)
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8')
  assert.deepEqual(/^Uid:\s+(.*)$/m.exec(status)![1]!.split('\t'), Array(4).fill(String(user!.uid)))
  assert.deepEqual(/^Gid:\s+(.*)$/m.exec(status)![1]!.split('\t'), Array(4).fill(String(user!.gid)))
  await send(server)
  assert.deepEqual(foreign(data), [])
})

test("what commands of root make, with the server stopped, is the service's", { skip }, async (t) => {
  const { file, data } = configuration(`user = "${user!.name}"\n`)
  const at = ['--config', file]
  const command = async (...args: string[]): Promise<void> => {
    const { status, err } = await pennypost([...args, ...at], { input: 'correct horse\n' })
    assert.equal(status, 0, err)
    assert.deepEqual(foreign(data), [], args.join(' '))
  }
  await command('domain', 'add', 'a.example')
  await command('account', 'add', 'alice@a.example', '--password-stdin')
  await command('verify')
  const sent = await run(await programFile(), ['sendmail', '-C', file, 'alice@a.example'], {
    input: 'Subject: hi\n\nhi\n',
    environment: { PENNYPOST_CONFIG: file },
  })
  assert.equal(sent.status, 0, sent.err)
  assert.deepEqual(foreign(data), [])
  const server = await running(t, file)
  const backup = `${data}.backup`
  mkdirSync(backup)
  chownSync(backup, user!.uid, user!.gid)
  assert.equal((await pennypost(['backup', backup, ...at])).status, 0)
  server.signal('SIGTERM')
  assert.equal(await server.ended, 0)
  await command('restore', backup, '--force')
  const again = await running(t, file)
  assert.equal((await pennypost(['account', 'list', '--json', ...at])).status, 0)
  again.signal('SIGTERM')
  assert.equal(await again.ended, 0)
})

test('a system begun before its user existed is given to it at the first start', { skip }, async (t) => {
  const { file, data } = configuration()
  assert.equal((await pennypost(['domain', 'add', 'a.example', '--config', file])).status, 0)
  assert.equal(statSync(join(data, 'pennypost.db')).uid, 0)
  writeFileSync(file, `user = "${user!.name}"\n${readFileSync(file, 'utf8')}`)
  const server = await running(t, file)
  assert.deepEqual(foreign(data), [])
  server.signal('SIGTERM')
  assert.equal(await server.ended, 0)
})

test(
  'a start that fails after rights were given away ends with a sentence, and lets the port go',
  { skip },
  async () => {
    const port = await freePort()
    const { file } = configuration(`user = "${user!.name}"\n`, port)
    const key = join(base, 'key.pem')
    writeFileSync(key, 'secret', { mode: 0o600 })
    writeFileSync(file, `${readFileSync(file, 'utf8')}[tls]\nsource = "files"\ncert = "${key}"\nkey = "${key}"\n`)
    const { status, err } = await pennypost(['serve', '--config', file])
    assert.equal(status, 1)
    assert.match(
      err,
      new RegExp(`^${key} cannot be read by the user ${user!.name}: give that user read access, .*\\.$`, 'm'),
    )
    const free = createServer()
    await new Promise<void>((resolve) => void free.listen(port, '127.0.0.1', resolve))
    free.close()
  },
)
