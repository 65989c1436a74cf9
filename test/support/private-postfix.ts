/**
 * Debian's Postfix with nothing of the machine's own: configuration, queue and data lie below one folder. Its master needs root.
 * For tests and benchmarks alike; each says where it listens and what main.cf adds.
 */
import { spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { signalProcess } from './signal-process.ts'

export interface PrivatePostfixOptions {
  /** Lines of master.cf: `127.0.0.1:2525 inet n - n - 10 smtpd`. */
  readonly listeners: readonly string[]
  /** Settings of main.cf beside those that let it run here; the same names replace those. */
  readonly settings: Readonly<Record<string, string | number>>
}

export interface PrivatePostfix {
  /** The master's. */
  readonly pid: number
  /** Its folders `incoming`, `active`, `deferred` and so on. */
  readonly queue: string
  /** Again: nothing. */
  stop(): Promise<void>
}

/** All that anybody calls for: a daemon that nobody calls does not run. */
const services = `
pickup    unix  n  -  n  60  1  pickup
cleanup   unix  n  -  n  -   0  cleanup
qmgr      unix  n  -  n  300 1  qmgr
tlsmgr    unix  -  -  n  1000? 1 tlsmgr
rewrite   unix  -  -  n  -   -  trivial-rewrite
bounce    unix  -  -  n  -   0  bounce
defer     unix  -  -  n  -   0  bounce
trace     unix  -  -  n  -   0  bounce
verify    unix  -  -  n  -   1  verify
flush     unix  n  -  n  1000? 0 flush
proxymap  unix  -  -  n  -   -  proxymap
proxywrite unix -  -  n  -   1  proxymap
smtp      unix  -  -  n  -   -  smtp
relay     unix  -  -  n  -   -  smtp
lmtp      unix  -  -  n  -   -  lmtp
showq     unix  n  -  n  -   -  showq
error     unix  -  -  n  -   -  error
retry     unix  -  -  n  -   -  error
discard   unix  -  -  n  -   -  discard
local     unix  -  n  n  -   -  local
virtual   unix  -  n  n  -   -  virtual
anvil     unix  -  -  n  -   1  anvil
scache    unix  -  -  n  -   1  scache
postlog   unix-dgram n - n - 1  postlogd
`

/** Writes what it needs, and starts nothing. @returns the folder of its configuration, for `postfix -c`. */
export function writePostfix(folder: string, { listeners, settings }: PrivatePostfixOptions): string {
  const [config, queue, data] = foldersOf(folder)
  for (const path of [config, queue, data]) mkdirSync(path, { recursive: true })
  const [, uid, gid] = /^postfix:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'latin1')) ?? []
  chownSync(data, Number(uid), Number(gid))
  writeFileSync(join(config, 'master.cf'), `${listeners.join('\n')}${services}`)
  const all = {
    compatibility_level: '3.6',
    mydestination: '',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    queue_directory: queue,
    data_directory: data,
    command_directory: '/usr/sbin',
    daemon_directory: '/usr/lib/postfix/sbin',
    mail_owner: 'postfix',
    setgid_group: 'postdrop',
    alias_maps: '',
    alias_database: '',
    relay_recipient_maps: '',
    ...settings,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}\n`)
  writeFileSync(join(config, 'main.cf'), lines.join(''))
  return config
}

export async function startPrivatePostfix(folder: string, options: PrivatePostfixOptions): Promise<PrivatePostfix> {
  // Its daemons have a user of their own.
  chmodSync(folder, 0o755)
  const config = writePostfix(folder, options)
  const [, queue] = foldersOf(folder)
  await postfix(config, 'start')
  const pid = await pidIn(join(queue, 'pid', 'master.pid'))
  return {
    pid,
    queue,
    async stop() {
      if (hasEnded(pid)) return
      await postfix(config, 'stop').catch(() => signalProcess(pid, 'SIGTERM'))
      for (let waits = 0; waits < 500 && !hasEnded(pid); waits++) await sleep(20)
    },
  }
}

function foldersOf(folder: string): [config: string, queue: string, data: string] {
  return [join(folder, 'etc'), join(folder, 'queue'), join(folder, 'data')]
}

/** `-c` also keeps its check of a fresh queue folder from warning about Debian's missing main.cf. */
async function postfix(config: string, command: 'start' | 'stop'): Promise<void> {
  const child = spawn('postfix', ['-c', config, command], { stdio: ['ignore', 'ignore', 'pipe'] })
  let words = ''
  child.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()))
  // Not 'close': its daemons keep the pipe.
  const code = await new Promise((resolve, reject) => {
    child.once('exit', resolve)
    child.once('error', reject)
  })
  child.stderr.destroy()
  if (code !== 0) throw new Error(`postfix ${command}: ${words}`)
}

async function pidIn(file: string): Promise<number> {
  for (let waits = 0; waits < 500; waits++) {
    try {
      const pid = Number(readFileSync(file, 'latin1').trim())
      if (pid > 0) return pid
    } catch {
      // Not written yet.
    }
    await sleep(20)
  }
  throw new Error('postfix did not write its pid')
}

/** A zombie has ended: nobody may be there to ask how. */
function hasEnded(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).startsWith('Z')
  } catch {
    return true
  }
}
