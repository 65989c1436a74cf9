/** Debian's Knot DNS with zones of our own, signed and not, and Unbound, which validates: on ports of loopback, ended by their process ids. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { run } from './programs.ts'

export interface Zone {
  readonly name: string
  /** Lines of the zone file, without SOA and NS. */
  readonly records: readonly string[]
  /** 'wrong': with a trust anchor of another key, so that whoever validates finds it forged. */
  readonly signed: boolean | 'wrong'
}

/** A port that is free by TCP and UDP, a moment ago. */
async function freePort(): Promise<number> {
  for (;;) {
    const tcp = createServer()
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve))
    const { port } = tcp.address() as AddressInfo
    const udp = createSocket('udp4')
    const free = await new Promise<boolean>((resolve) => {
      udp.once('error', () => resolve(false))
      udp.bind(port, '127.0.0.1', () => resolve(true))
    })
    if (free) await new Promise<void>((resolve) => udp.close(resolve))
    await new Promise((resolve) => tcp.close(resolve))
    if (free) return port
  }
}

export class NameServers {
  readonly #children: ChildProcess[] = []
  /** Unbound's: recursive, validating. */
  port = 0

  /** @param at an address whose port 53 Unbound has too: for programs that can be told of no other port. */
  static async start(folder: string, zones: readonly Zone[], at?: string): Promise<NameServers> {
    const servers = new NameServers()
    try {
      await servers.#begin(folder, zones, at)
      return servers
    } catch (error) {
      await servers.end()
      throw error
    }
  }

  async #begin(folder: string, zones: readonly Zone[], at?: string): Promise<void> {
    const knotPort = await freePort()
    mkdirSync(join(folder, 'keys'))
    for (const { name, records } of zones) {
      const lines = ['$TTL 300', `@ SOA ns hostmaster 1 3600 900 86400 60`, '@ NS ns', 'ns A 127.0.0.1', ...records]
      writeFileSync(join(folder, `${name}.zone`), `${lines.join('\n')}\n`)
    }
    const knotConf = join(folder, 'knot.conf')
    writeFileSync(knotConf, knotConfig(folder, knotPort, zones))
    await this.#spawn('/usr/sbin/knotd', ['-c', knotConf], knotPort, folder)
    const anchors: string[] = []
    for (const { name, signed } of zones) {
      if (!signed) continue
      const ds = await dsOf(knotConf, name)
      anchors.push(signed === 'wrong' ? ds.replace(/[0-9a-f]{8}$/i, '00000000') : ds)
    }
    this.port = await freePort()
    const unboundConf = join(folder, 'unbound.conf')
    writeFileSync(unboundConf, unboundConfig(folder, this.port, knotPort, zones, anchors, at))
    await this.#spawn('/usr/sbin/unbound', ['-d', '-p', '-c', unboundConf], this.port, folder)
  }

  async #spawn(program: string, args: readonly string[], port: number, folder: string): Promise<void> {
    let words = ''
    const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#children.push(child)
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (words += String(chunk)))
    for (let tries = 0; !(await listens(port)); tries++) {
      assert.ok(child.exitCode === null && tries < 1200, `${program} does not start: ${words}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async end(): Promise<void> {
    for (const child of this.#children.splice(0).reverse()) {
      if (child.exitCode !== null) continue
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    }
  }
}

/** Whether somebody has the port: a question of ours would be counted in what is asked of them. */
function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(true))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(false)))
  })
}

/** The zone is signed by now, or soon. */
async function dsOf(knotConf: string, name: string): Promise<string> {
  for (let tries = 0; ; tries++) {
    const { out, err } = await run('/usr/sbin/keymgr', ['-c', knotConf, name, 'ds'])
    const line = out.split('\n').find((text) => / 13 2 /.test(text))
    if (line !== undefined) return line.trim().replace(/^(\S+) DS /, '$1 IN DS ')
    assert.ok(tries < 1200, `no key for ${name}: ${out}${err}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function knotConfig(folder: string, port: number, zones: readonly Zone[]): string {
  return `server:
    rundir: "${folder}"
    listen: 127.0.0.1@${port}
log:
  - target: stderr
    any: warning
database:
    storage: "${join(folder, 'keys')}"
policy:
  - id: one
    algorithm: ecdsap256sha256
    single-type-signing: on
template:
  - id: default
    storage: "${folder}"
    file: "%s.zone"
    zonefile-sync: -1
    zonefile-load: difference-no-serial
    journal-content: all
zone:
${zones
  .map(
    ({ name, signed }) =>
      `  - domain: ${name}\n    dnssec-signing: ${signed ? 'on' : 'off'}${signed ? '\n    dnssec-policy: one' : ''}`,
  )
  .join('\n')}
`
}

function unboundConfig(
  folder: string,
  port: number,
  knotPort: number,
  zones: readonly Zone[],
  anchors: readonly string[],
  at?: string,
): string {
  return `server:
    interface: 127.0.0.1
    port: ${port}
${at === undefined ? '' : `    interface: ${at}@53\n`}    directory: "${folder}"
    chroot: ""
    username: ""
    pidfile: "${join(folder, 'unbound.pid')}"
    use-syslog: no
    do-ip6: no
    do-not-query-localhost: no
    module-config: "validator iterator"
    num-threads: 1
${anchors.map((ds) => `    trust-anchor: "${ds}"`).join('\n')}
remote-control:
    control-enable: no
${['.', ...zones.map(({ name }) => name)].map((name) => `stub-zone:\n    name: "${name}"\n    stub-addr: 127.0.0.1@${knotPort}\n    stub-prime: no`).join('\n')}
`
}
