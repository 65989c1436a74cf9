/** Postfix from Debian's package, between two of our systems: a configuration, queue and port of its own. Its master needs root. */
import { spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from './programs.ts'

export interface Postfix {
  readonly port: number
  stop(): Promise<void>
}

const services = `
pickup    unix  n  -  n  60  1  pickup
cleanup   unix  n  -  n  -   0  cleanup
qmgr      unix  n  -  n  300 1  qmgr
rewrite   unix  -  -  n  -   -  trivial-rewrite
bounce    unix  -  -  n  -   0  bounce
defer     unix  -  -  n  -   0  bounce
trace     unix  -  -  n  -   0  bounce
proxymap  unix  -  -  n  -   -  proxymap
smtp      unix  -  -  n  -   -  smtp
relay     unix  -  -  n  -   -  smtp
error     unix  -  -  n  -   -  error
retry     unix  -  -  n  -   -  error
lmtp      unix  -  -  n  -   -  lmtp
anvil     unix  -  -  n  -   1  anvil
scache    unix  -  -  n  -   1  scache
`

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** @param settings of main.cf beside those that let it run here. */
export async function startPostfix(folder: string, settings: Readonly<Record<string, string>>): Promise<Postfix> {
  const [config, queue, data] = ['etc', 'queue', 'data'].map((name) => join(folder, name)) as [string, string, string]
  // Its daemons have a user of their own.
  chmodSync(folder, 0o755)
  for (const path of [config, queue, data]) mkdirSync(path)
  const [, uid, gid] = /^postfix:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'latin1')) ?? []
  chownSync(data, Number(uid), Number(gid))
  const port = await freePort()
  writeFileSync(join(config, 'master.cf'), `127.0.0.1:${port} inet n - n - 10 smtpd${services}`)
  const all = {
    compatibility_level: '3.6',
    myhostname: 'mx.postfix.example',
    mydestination: '',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    queue_directory: queue,
    data_directory: data,
    daemon_directory: '/usr/lib/postfix/sbin',
    command_directory: '/usr/sbin',
    mail_owner: 'postfix',
    setgid_group: 'postdrop',
    alias_maps: '',
    alias_database: '',
    relay_recipient_maps: '',
    smtpd_relay_restrictions: 'reject_unauth_destination',
    ...settings,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}\n`)
  writeFileSync(join(config, 'main.cf'), lines.join(''))
  const child = spawn('postfix', ['-c', config, 'start'], { stdio: ['ignore', 'ignore', 'pipe'] })
  let err = ''
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  // Not 'close': its daemons keep the pipe.
  const code = await new Promise((resolve) => child.once('exit', resolve))
  child.stderr.destroy()
  if (code !== 0) throw new Error(`postfix did not start: ${err}`)
  const pidFile = join(queue, 'pid', 'master.pid')
  const pid = Number(readFileSync(pidFile, 'latin1').trim())
  return {
    port,
    async stop() {
      await run('postfix', ['-c', config, 'stop'])
      for (let waits = 0; waits < 500 && lives(pid); waits++) await sleep(20)
    },
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
