/** Other people's mail servers as peers of ours: each sees a root of its own, with its files and users where it looks for them. Needs root. */
import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What not every one of them can. */
export type Ability =
  | 'sends BDAT'
  | 'takes BDAT'
  | 'sends SMTPUTF8'
  | 'takes SMTPUTF8'
  | 'checks DANE'
  | 'takes STARTTLS'
  | 'knows null MX'
  | 'tells ENVID'

export const stages = ['connect', 'hello', 'mail', 'rcpt', 'data', 'message'] as const
export type Stage = (typeof stages)[number]

/** Whoever comes from this address is told so at this stage. */
export interface Refusal {
  readonly stage: Stage
  readonly code: 4 | 5
  readonly address: string
  readonly words: string
}

/** Where a peer lives, and what it is to do. Everything is on port 25. */
export interface Place {
  /** Its own; everybody may enter. */
  readonly folder: string
  /** With STARTTLS, and the one without. */
  readonly address: string
  readonly clearAddress: string
  readonly hostname: string
  /** What it delivers itself, to `users`, into `folder`/mail/USER as Maildir. */
  readonly domains: readonly string[]
  readonly users: readonly string[]
  /** Domains that it sends on by their MX. */
  readonly relays: readonly string[]
  readonly certificate: string
  readonly key: string
  readonly nameServer: string
  readonly refusals: readonly Refusal[]
}

/** How a peer is run. */
export interface Launch {
  /** Lines of sh, before it starts: what it must find elsewhere than where it lies. Only it sees them. */
  readonly before?: readonly string[]
  /** A line of sh that stays in the foreground. */
  readonly command: string
  readonly logs: readonly string[]
  /** A line of sh that makes it try again what waits, where it does not do so within seconds. */
  readonly retry?: string
}

export interface MailPeer {
  readonly name: string
  /** Why it is not here. */
  readonly skip: string | false
  /** The reasons. */
  readonly cannot: Readonly<Partial<Record<Ability, string>>>
  /** Writes its configuration. */
  prepare(place: Place): Launch
}

/** Where scripts/peers.sh unpacks them. */
export const unpacked = join(process.env.PENNYPOST_ROOT!, 'build', 'peers')

/** A root of its own to see needs rights that not every container gives to its root. */
function hasNamespaces(): boolean {
  const asked = ['--mount', '--pid', '--fork', 'mount', '--bind', tmpdir(), tmpdir()]
  return spawnSync('unshare', asked, { timeout: 10_000 }).status === 0
}

export function withoutPeer(program: string): string | false {
  if (process.getuid?.() !== 0) return 'mail servers are started by root'
  if (!hasNamespaces()) return 'this machine lets nobody have mounts of his own, which other mail servers are run with'
  if (process.env.CI === 'true') return false
  return existsSync(program) ? false : `${program} is missing: see scripts/peers.sh`
}

/** The user who mail is delivered as, and those of programs that no package installed. */
export const mailUser = 'peermail'
export const peerUsers = { 'Debian-exim': 61_001, opensmtpd: 61_002, opensmtpq: 61_003, [mailUser]: 61_004 }

/** A peer whose session hangs is a failure, and told with its log. */
const startLimitMs = 20_000

export class RunningPeer {
  readonly #child: ChildProcess
  readonly #place: Place
  readonly #launch: Launch

  private constructor(child: ChildProcess, place: Place, launch: Launch) {
    this.#child = child
    this.#place = place
    this.#launch = launch
  }

  static async start(peer: MailPeer, place: Place): Promise<RunningPeer> {
    const { folder } = place
    mkdirSync(join(folder, 'mail'), { recursive: true })
    chmodSync(folder, 0o755)
    chownSync(join(folder, 'mail'), peerUsers[mailUser], peerUsers[mailUser])
    writeFileSync(join(folder, 'resolv.conf'), `nameserver ${place.nameServer}\noptions trust-ad timeout:2\n`)
    const known = Object.entries(peerUsers)
    writeAccounts(folder, 'passwd', (name, id) => `${name}:x:${id}:${id}::${folder}/mail:/bin/sh`, known)
    writeAccounts(folder, 'group', (name, id) => `${name}:x:${id}:`, known)
    const launch = peer.prepare(place)
    const lines = [
      'set -e',
      ...['resolv.conf', 'passwd', 'group'].map((name) => `mount --bind ${folder}/${name} /etc/${name}`),
      ...(launch.before ?? []),
      `${launch.command} </dev/null &`,
      // The first process of its own process space: when it ends, so do all others, and it ends with us.
      'set +e; while read -r line; do eval "$line"; done',
    ]
    writeFileSync(join(folder, 'run.sh'), `${lines.join('\n')}\n`)
    const args = ['--mount', '--pid', '--fork', '--kill-child', 'sh', join(folder, 'run.sh')]
    const child = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'pipe'], cwd: folder })
    let words = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (words += String(chunk)))
    const running = new RunningPeer(child, place, { ...launch })
    const limitMs = Date.now() + startLimitMs
    while (!(await answers(place.address)) || !(await answers(place.clearAddress))) {
      if (child.exitCode === null && Date.now() < limitMs) continue
      await running.stop()
      assert.fail(`${peer.name} does not start: ${words}\n${running.log()}`)
    }
    return running
  }

  log(): string {
    return this.#launch.logs.map((path) => (existsSync(path) ? readFileSync(path, 'latin1') : '')).join('\n')
  }

  /** What lies in a user's Maildir, with CRLF. */
  inbox(user: string): Buffer[] {
    const folder = join(this.#place.folder, 'mail', user, 'new')
    const names = existsSync(folder) ? readdirSync(folder) : []
    return names.map((name) =>
      Buffer.from(readFileSync(join(folder, name), 'latin1').replaceAll('\n', '\r\n'), 'latin1'),
    )
  }

  retry(): void {
    if (this.#launch.retry !== undefined) this.#child.stdin!.write(`${this.#launch.retry}\n`)
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise((resolve) => this.#child.once('close', resolve))
      this.#child.kill('SIGKILL')
      await ended
    }
  }
}

function writeAccounts(
  folder: string,
  file: 'passwd' | 'group',
  line: (name: string, id: number) => string,
  known: readonly (readonly [string, number])[],
): void {
  const there = readFileSync(join('/etc', file), 'utf8').split('\n')
  const others = there.filter((text) => text !== '' && !known.some(([name]) => text.startsWith(`${name}:`)))
  writeFileSync(join(folder, file), [...others, ...known.map(([name, id]) => line(name, id)), ''].join('\n'))
}

/** Whether it greets. */
async function answers(address: string): Promise<boolean> {
  const greeted = await new Promise<boolean>((resolve) => {
    const socket = connect({ host: address, port: 25, timeout: 5000 })
    const end = (value: boolean) => {
      socket.destroy()
      resolve(value)
    }
    socket
      .once('error', () => end(false))
      .once('close', () => end(false))
      .once('timeout', () => end(false))
    socket.once('data', (bytes) => end(String(bytes).startsWith('220')))
  })
  if (!greeted) await new Promise((resolve) => setTimeout(resolve, 50))
  return greeted
}
