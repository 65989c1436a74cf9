/** SIGHUP: another configuration, without losing a connection. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { dialogue } from './dialogue.ts'
import { removeFolder, serve, temporaryFolder } from './program.ts'

const base = temporaryFolder()
after(() => removeFolder(base))

async function fileWith(path: string, text: string): Promise<string> {
  const found = (): string => (existsSync(path) ? readFileSync(path, 'utf8') : '')
  for (let i = 0; i < 1000 && !found().includes(text); i++) await new Promise((resolve) => void setTimeout(resolve, 10))
  assert.ok(found().includes(text), `${path} never said "${text}": ${found()}`)
  return found()
}

const listener = (service: string): string => `[[listener]]\nservice = "${service}"\naddress = "127.0.0.1:0"\n`

test('SIGHUP reads configuration and certificates again, and keeps what is good when they cannot be used', async (t) => {
  const file = join(base, 'pennypost.toml')
  const data = join(base, 'data')
  const text = `data = "data"\n${listener('smtp')}${listener('imaps')}`
  const good = 'configuration and certificates reloaded'
  const bad = 'reload failed; keeping the previous configuration'
  writeFileSync(file, text)
  const server = await serve(['--config', file], 2)
  t.after(() => {
    server.signal('SIGKILL')
    return server.ended
  })
  const ehlo = async (expected: RegExp): Promise<void> => {
    const socket = connect(server.port('smtp'), '127.0.0.1')
    await dialogue(socket, [
      ['', /^220 .*\r\n/],
      ['EHLO there.example\r\n', expected],
      ['QUIT\r\n', /^221 .*\r\n/m],
    ])
    socket.destroy()
  }
  const old = connect(server.port('smtp'), '127.0.0.1')
  await dialogue(old, [['', /^220 .*\r\n/]])
  await ehlo(/^250[ -]SIZE 52428800\r\n/m)

  const log = join(base, 'events.log')
  const logging = `[log]\nfile = "${log}"\n`
  writeFileSync(
    file,
    `hostname = "other.example"\n${text}${listener('pop3')}${logging}[transfer]\nmessageBytesMax = "1MB"\n`,
  )
  server.signal('SIGHUP')
  assert.match(await fileWith(log, good), /"nextStart":"hostname"/)
  await ehlo(/^250[ -]SIZE 1048576\r\n/m)
  await dialogue(old, [['NOOP\r\n', /^250 .*\r\n/m]])
  old.destroy()

  // Moved away, as logrotate does: what comes next is in a new file.
  writeFileSync(file, `${text}${listener('pop3')}[log]\nfile = "${log}"\nlevel = "sometimes"\n`)
  server.signal('SIGHUP')
  await fileWith(log, bad)
  renameSync(log, `${log}.1`)
  writeFileSync(file, `${text}${logging}`)
  server.signal('SIGHUP')
  const after = await fileWith(log, good)
  assert.match(after, /"event":"listener closed","service":"pop3"/)
  await ehlo(/^250[ -]SIZE 52428800\r\n/m)

  writeFileSync(file, text)
  server.signal('SIGHUP')
  await server.until(good)
  for (const name of readdirSync(join(data, 'tls'))) writeFileSync(join(data, 'tls', name), 'no certificate')
  server.signal('SIGHUP')
  await server.until(bad)
  await ehlo(/^250[ -]STARTTLS\r\n/m)
})
