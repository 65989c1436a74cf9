/** Debian's slapd with a directory of our own: its files in a folder, its ports on loopback, ended by its process id. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { makeAuthority } from '../stories/client-certificates.ts'
import * as x509 from '@peculiar/x509'
import { run } from './programs.ts'

export const base = 'dc=a,dc=example'
export const searcher = { dn: `cn=mail,${base}`, password: 'look things up' }
const root = { dn: `cn=root,${base}`, password: 'do anything' }

/** What mail directories add to the standard classes. */
const schema = `
attributetype ( 1.3.6.1.4.1.99999.1 NAME 'mailAlternateAddress' EQUALITY caseIgnoreIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
attributetype ( 1.3.6.1.4.1.99999.2 NAME 'mailQuota' EQUALITY caseIgnoreIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.99999.3 NAME 'mailPerson' SUP top AUXILIARY MAY ( mailAlternateAddress $ mailQuota ) )
`

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

export class Slapd {
  readonly #folder: string
  readonly #ports: readonly [plain: number, tls: number]
  #child: ChildProcess | undefined

  private constructor(folder: string, ports: readonly [number, number]) {
    this.#folder = folder
    this.#ports = ports
  }

  /** @param entries LDIF. */
  static async start(folder: string, entries: string): Promise<Slapd> {
    const authority = await makeAuthority('directory')
    const usage = x509.ExtendedKeyUsage.serverAuth
    // What ldapmodify takes "localhost" for is this machine's own name.
    const { cert, key } = await authority.sign({ names: ['localhost', hostname()], usage })
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text, { mode: 0o600 })
      return join(folder, name)
    }
    mkdirSync(join(folder, 'db'))
    const conf = file(
      'slapd.conf',
      `${['core', 'cosine', 'inetorgperson', 'nis', 'misc'].map((name) => `include /etc/ldap/schema/${name}.schema`).join('\n')}
${schema}
pidfile ${join(folder, 'slapd.pid')}
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile ${file('ca.pem', authority.cert)}
TLSCertificateFile ${file('cert.pem', cert)}
TLSCertificateKeyFile ${file('key.pem', key)}
security simple_bind=128
database mdb
maxsize 10485760
suffix "${base}"
rootdn "${root.dn}"
rootpw "${root.password}"
directory ${join(folder, 'db')}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="${searcher.dn}" read by * none
`,
    )
    const added = await run('/usr/sbin/slapadd', ['-f', conf, '-l', file('entries.ldif', entries)])
    assert.equal(added.code, 0, added.err)
    const slapd = new Slapd(folder, [await freePort(), await freePort()])
    await slapd.begin()
    return slapd
  }

  get ldap(): string {
    return `ldap://localhost:${this.#ports[0]}`
  }

  get ldaps(): string {
    return `ldaps://localhost:${this.#ports[1]}`
  }

  get ca(): string {
    return join(this.#folder, 'ca.pem')
  }

  async begin(): Promise<void> {
    const urls = `ldap://127.0.0.1:${this.#ports[0]}/ ldaps://127.0.0.1:${this.#ports[1]}/`
    // With -d it stays our child.
    const child = spawn('/usr/sbin/slapd', ['-h', urls, '-f', join(this.#folder, 'slapd.conf'), '-d', '0'])
    this.#child = child
    for (let tries = 0; !(await this.#listens()); tries++) {
      assert.ok(child.exitCode === null && tries < 1200, `slapd does not start: ${child.exitCode}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  #listens(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.#ports[1], '127.0.0.1')
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
      socket.on('connect', () => socket.destroy())
    })
  }

  async end(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (!child || child.exitCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await ended
  }

  /** @param changes LDIF. */
  async modify(changes: string): Promise<void> {
    const args = ['-H', this.ldaps, '-x', '-D', root.dn, '-w', root.password]
    const { code, err } = await run('ldapmodify', args, { input: changes, env: { LDAPTLS_CACERT: this.ca } })
    assert.equal(code, 0, err)
  }
}
