/** Dovecot from Debian's package (imapd, lmtpd, pop3d), with a configuration, mail and ports of its own. Needs root, as its master does. */
import { spawn } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { atEnd, freePorts, scratchFolder, stopChild, until } from './scratch.ts'
import type { Server } from './server.ts'

export type DovecotFormat = 'sdbox' | 'maildir' | 'mdbox'

export interface Dovecot extends Server {
  readonly user: { readonly name: string; readonly password: string }
  /** What its log says: errors are looked for there. */
  log(): string
}

/** `nobody`: it owns the mail; Dovecot takes no uid below 500. */
const mailUid = 65_534

export interface DovecotOptions {
  readonly format: DovecotFormat
  /** Beside IMAP and LMTP. */
  readonly pop3?: boolean
  /** A certificate and key, PEM files, for imaps. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

export async function startDovecot({ format, tls, pop3 = false }: DovecotOptions): Promise<Dovecot> {
  const folder = scratchFolder('dovecot')
  const mail = join(folder, 'mail')
  mkdirSync(mail)
  chownSync(mail, mailUid, mailUid)
  const [imap, lmtp, imaps, pop3Port] = await freePorts(4)
  const logFile = join(folder, 'log')
  const config = join(folder, 'dovecot.conf')
  const place = format === 'maildir' ? 'maildir:~/Maildir' : `${format}:~/${format}`
  writeFileSync(
    config,
    `protocols = imap lmtp${pop3 ? ' pop3' : ''}
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${logFile}
info_log_path = /dev/null
ssl = ${tls ? 'yes' : 'no'}
${tls ? `ssl_cert = <${tls.cert}\nssl_key = <${tls.key}\n` : ''}disable_plaintext_auth = no
auth_mechanisms = plain
mail_location = ${place}
mail_max_userip_connections = 20000
default_client_limit = 19000
default_vsz_limit = 0
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=${mailUid} gid=${mailUid} home=${mail}/%n allow_all_users=yes
}
protocol lmtp {
  postmaster_address = postmaster@bench.test
}
service imap-login {
  inet_listener imap {
    address = 127.0.0.1
    port = ${imap}
  }
  inet_listener imaps {
    address = 127.0.0.1
    port = ${tls ? imaps : 0}
  }
  # The manual's high-performance mode: login processes that stay.
  service_count = 0
  process_min_avail = 2
  process_limit = 2
}
service imap {
  process_limit = 11000
}
${
  pop3
    ? `service pop3-login {
  inet_listener pop3 {
    address = 127.0.0.1
    port = ${pop3Port}
  }
  service_count = 0
  process_min_avail = 2
  process_limit = 2
}
`
    : ''
}service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = ${lmtp}
  }
}
`,
  )
  const child = spawn('dovecot', ['-c', config, '-F'], { stdio: ['ignore', 'ignore', 'pipe'] })
  let err = ''
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  atEnd(() => stopChild(child))
  await until(`dovecot listens ${err}`, () => {
    if (child.exitCode !== null) throw new Error(`dovecot ended: ${err}`)
    return listens(imap!)
  })
  return {
    name: `Dovecot ${format}`,
    pid: child.pid!,
    durability: `${format}, mail_fsync = optimized (its default), before LMTP's 250 and APPEND's OK`,
    port: { imap, lmtp, imaps: tls ? imaps : undefined, pop3: pop3 ? pop3Port : undefined },
    user: { name: 'admin@bench.test', password: 'secret' },
    log: () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : ''),
    settled: () => sleep(100),
    stop: () => stopChild(child),
  }
}

async function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('error', () => resolve(false))
    socket.on('data', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
