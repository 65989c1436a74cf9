/** Postfix from Debian's package, with a configuration, queue and ports of its own. Needs root, as its master does. */
import { chownSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { atEnd, freePorts, runProgram, scratchFolder, until } from './scratch.ts'
import { hasEnded } from './processes.ts'
import type { Server } from './server.ts'

export interface PostfixOptions {
  /** Where mail for bench.test goes: `discard:` or `lmtp:inet:127.0.0.1:PORT`. */
  readonly transport: string
  /** Other domains that it takes mail for, and where that goes. */
  readonly routes?: Readonly<Record<string, string>>
  /** A certificate and key, PEM files, for STARTTLS. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** How soon it tries again what was not taken. */
  readonly retryAfterSeconds?: number
  /** How many smtpd processes may run: one for each session, or those that wait would measure the wait. */
  readonly smtpdMax?: number
  /** Concurrent deliveries to the transport. */
  readonly deliveriesMax?: number
}

const internal = `
pickup    unix  n  -  n  60  1  pickup
cleanup   unix  n  -  n  -   0  cleanup
qmgr      unix  n  -  n  300 1  qmgr
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
showq     unix  n  -  n  -   -  showq
error     unix  -  -  n  -   -  error
retry     unix  -  -  n  -   -  error
discard   unix  -  -  n  -   -  discard
local     unix  -  n  n  -   -  local
virtual   unix  -  n  n  -   -  virtual
lmtp      unix  -  -  n  -   -  lmtp
anvil     unix  -  -  n  -   1  anvil
tlsmgr    unix  -  -  n  1000? 1 tlsmgr
scache    unix  -  -  n  -   1  scache
`

function mapOf(routes: Readonly<Record<string, string>> = {}): string {
  const rows = Object.entries(routes).map(([domain, transport]) => `{ ${domain} = ${transport} }`)
  return rows.length === 0 ? '' : `transport_maps = inline:{ ${rows.join(', ')} }`
}

export async function startPostfix(options: PostfixOptions): Promise<Server> {
  const folder = scratchFolder('postfix')
  const config = join(folder, 'etc')
  const queue = join(folder, 'queue')
  const data = join(folder, 'data')
  for (const path of [config, queue, data]) mkdirSync(path)
  const passwd = readFileSync('/etc/passwd', 'latin1')
  const [, uid, gid] = /^postfix:[^:]*:(\d+):(\d+):/m.exec(passwd) ?? []
  chownSync(data, Number(uid), Number(gid))
  const [port] = await freePorts(1)
  writeFileSync(join(config, 'master.cf'), `127.0.0.1:${port} inet n - n - ${options.smtpdMax ?? 100} smtpd${internal}`)
  writeFileSync(
    join(config, 'main.cf'),
    `compatibility_level = 3.6
myhostname = mx.bench.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
queue_directory = ${queue}
data_directory = ${data}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
alias_maps =
alias_database =
relay_domains = ${['bench.test', ...Object.keys(options.routes ?? {})].join(' ')}
${mapOf(options.routes)}
relay_transport = ${options.transport}
relay_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
message_size_limit = 52428800
smtpd_client_connection_count_limit = 0
in_flow_delay = 0
default_destination_concurrency_limit = ${options.deliveriesMax ?? 20}
initial_destination_concurrency = ${options.deliveriesMax ?? 20}
lmtp_destination_recipient_limit = 1
${options.tls ? `smtpd_tls_security_level = may\nsmtpd_tls_cert_file = ${options.tls.cert}\nsmtpd_tls_key_file = ${options.tls.key}\n` : ''}${options.retryAfterSeconds === undefined ? '' : `minimal_backoff_time = ${options.retryAfterSeconds}s\nmaximal_backoff_time = ${options.retryAfterSeconds}s\nqueue_run_delay = ${options.retryAfterSeconds}s\n`}`,
  )
  // Its check of a fresh queue folder warns about Debian's missing main.cf, which is why it is run with -c.
  const child = spawn('postfix', ['-c', config, 'start'], { stdio: ['ignore', 'ignore', 'pipe'] })
  let err = ''
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const pidFile = join(queue, 'pid', 'master.pid')
  const code = await new Promise((resolve) => child.on('exit', resolve))
  if (code !== 0) throw new Error(`postfix did not start: ${err}`)
  let pid = 0
  await until('postfix has written its pid', () => {
    try {
      pid = Number(readFileSync(pidFile, 'latin1').trim())
      return pid > 0
    } catch {
      return false
    }
  })
  const stop = async (): Promise<void> => {
    if (hasEnded(pid)) return
    await runProgram('postfix', ['-c', config, 'stop']).catch(() => process.kill(pid, 'SIGTERM'))
    await until('postfix has ended', () => hasEnded(pid))
  }
  atEnd(stop)
  const waiting = (name: string): boolean => {
    try {
      return readdirSync(join(queue, name)).length > 0
    } catch {
      return false
    }
  }
  return {
    name: 'Postfix',
    pid,
    durability: `queue file synced by cleanup (fsync) before 250, then ${options.transport}; no syslog, in_flow_delay = 0`,
    port: { smtp: port },
    settled: () => until('the queue is empty', () => !waiting('incoming') && !waiting('active'), 60_000),
    stop,
  }
}
