/** As a service of the system: root gives its rights away, the service manager is told, the unit file is what systemd accepts. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { dialogue } from '../stories/dialogue.ts'
import { pennypost, serve } from '../stories/program.ts'

const base = mkdtempSync(join(tmpdir(), 'pennypost-service-'))
chmodSync(base, 0o755)
after(() => rmSync(base, { recursive: true, force: true }))

const isRoot = process.getuid!() === 0

test(
  'started by root, it becomes another user, keeps its low ports, and can be reloaded',
  { skip: isRoot ? false : 'not root' },
  async (t) => {
    mkdirSync(join(base, 'etc'))
    const file = join(base, 'etc', 'pennypost.toml')
    const data = join(base, 'data')
    writeFileSync(
      file,
      `hostname = "mail.example.org"
data = "${data}"
user = "nobody"
submitSocket = "${join(base, 'run', 'submit.sock')}"
domains = ["example.org"]
[[listener]]
service = "smtp"
address = "127.0.0.9:25"
[[listener]]
service = "http"
address = "127.0.0.9:80"
`,
    )
    const server = await serve(['--config', file], 2)
    t.after(() => {
      server.signal('SIGKILL')
      return server.ended
    })
    const status = readFileSync(`/proc/${server.pid}/status`, 'utf8')
    const nobody = Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }))
    assert.match(status, new RegExp(`^Uid:\\s+${nobody}\\s+${nobody}\\s+${nobody}\\s+${nobody}$`, 'm'))
    assert.match(status, /^CapEff:\s+0+$/m)
    assert.match(status, /^Groups:\s+(?!.*\b0\b)/m)
    assert.equal(statSync(data).uid, nobody)
    const socket = connect(25, '127.0.0.9')
    await dialogue(socket, [
      ['', /^220 .*\r\n/],
      ['EHLO x\r\n', /^250 .*\r\n/m],
      ['MAIL FROM:<>\r\n', /^250 .*\r\n/m],
      ['RCPT TO:<admin@example.org>\r\n', /^250 .*\r\n/m],
      ['DATA\r\n', /^354 .*\r\n/m],
      ['Subject: x\r\n\r\nx\r\n.\r\n', /^250 .*\r\n/m],
      ['QUIT\r\n', /^221 .*\r\n/m],
    ])
    socket.destroy()
    assert.equal((await (await fetch('http://127.0.0.9/healthz')).text()).trim(), 'ok')
    server.signal('SIGHUP')
    await server.until('configuration and certificates reloaded')
    // Any user may hand mail to it.
    const sent = await pennypost(['sendmail', '-i', '-f', 'daemon', 'admin'], {
      input: 'Subject: local\n\nx\n',
      environment: { PENNYPOST_CONFIG: file },
    })
    assert.deepEqual([sent.status, sent.err], [0, ''])
  },
)

/** Takes datagrams as systemd does: Node has no Unix datagram sockets. */
const listener = `
import socket, sys, os
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o777); s.settimeout(60)
print('ready', flush=True)
while True:
    text = s.recv(4096).decode()
    print(text.replace('\\n', ' '), flush=True)
    if 'STOPPING=1' in text: break
`

test('the service manager hears when it is ready, reloading and stopping', async (t) => {
  const path = join(base, 'notify.sock')
  const manager = spawn('python3', ['-c', listener, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => void manager.kill('SIGKILL'))
  let heard = ''
  manager.stdout.setEncoding('utf8').on('data', (text: string) => void (heard += text))
  const until = async (text: string, times = 1): Promise<void> => {
    for (let i = 0; i < 2000 && heard.split(text).length <= times; i++)
      await new Promise((resolve) => void setTimeout(resolve, 10))
    assert.ok(heard.split(text).length > times, heard)
  }
  await until('ready')
  const file = join(base, 'notify.toml')
  writeFileSync(file, `data = "${join(base, 'notified')}"\n[[listener]]\nservice = "smtp"\naddress = "127.0.0.1:0"\n`)
  const server = await serve(['--config', file], 1, { NOTIFY_SOCKET: path })
  t.after(() => void server.signal('SIGKILL'))
  await until('READY=1')
  server.signal('SIGHUP')
  await until('RELOADING=1')
  await until('READY=1', 2)
  server.signal('SIGTERM')
  await until('STOPPING=1')
  assert.equal(await server.ended, 0)
})

test('systemd takes the unit file, and finds it well closed', () => {
  const unit = join(process.env['PENNYPOST_ROOT']!, 'packaging', 'pennypost.service')
  const said = execFileSync('systemd-analyze', ['security', '--offline=true', '--threshold=30', unit], {
    encoding: 'utf8',
  })
  assert.match(said, /Overall exposure level/)
  const copy = join(base, 'pennypost.service')
  writeFileSync(copy, readFileSync(unit, 'utf8'))
  execFileSync('systemd-analyze', ['verify', '--man=no', copy], { stdio: 'pipe' })
})
