/** From parsed TOML to a `Config`: every table against its options, every fault collected, then what several keys say together. */
import { isAbsolute, join, resolve } from 'node:path'
import type { IpNetwork } from '../base/ip-network.ts'
import type { AuthOptions, OAuthOptions } from '../accounts/options.ts'
import type { DirectoryOptions } from '../accounts/directory-options.ts'
import type { Config, ListenerConfig, RouteConfig, Service, TlsConfig } from './config.ts'
import type { SenderRule } from '../transfer/checks/consequence.ts'
import type { DestinationRule } from '../transfer/options.ts'
import type { ContentRule } from '../transfer/checks/content.ts'
import { checkOf } from './check.ts'
import { directoryFaults } from './directory.ts'
import type { ConfigFault } from './fault.ts'
import { addressFamily, ValueFault, type Endpoint } from './kinds.ts'
import { childPath, type KeyPath, type Lines } from './lines.ts'
import { isWebAddress, oauthFaults } from './oauth.ts'
import * as declared from './options.ts'
import type { Option, OptionTable, ValuesOf } from './option.ts'
import { sections } from './options.ts'
import { defaultServices, services } from './services.ts'
import { nearest } from '../base/suggest.ts'

type Table = Readonly<Record<string, unknown>>

export interface Source {
  /** undefined: there is no file, only defaults. */
  readonly file: string | undefined
  readonly lines: Lines | undefined
  /** What relative paths are relative to; absolute. */
  readonly folder: string
}

/** Reads it all; faults are appended to `faults`, and with any of them the result is not to be used. */
export function readConfig(root: Table, source: Source, faults: ConfigFault[]): Config {
  return new ConfigReader(source, faults).config(root)
}

class ConfigReader {
  readonly #source: Source
  readonly #faults: ConfigFault[]

  constructor(source: Source, faults: ConfigFault[]) {
    this.#source = source
    this.#faults = faults
  }

  config(root: Table): Config {
    const top = this.#section(root, '', declared.topOptions)
    const store = this.#section(this.#table(root, 'store'), 'store', declared.storeOptions)
    if (store.engine === 'postgres') {
      this.#fault('store.engine', 'The engine "postgres" is not implemented yet', 'Use "sqlite", the default.')
    }
    const dns = this.#section(this.#table(root, 'dns'), 'dns', declared.dnsOptions)
    const transfer = this.#section(this.#table(root, 'transfer'), 'transfer', declared.transferOptions)
    const reports = this.#section(this.#table(root, 'reports'), 'reports', declared.reportOptions)
    const origin = top.origin ?? top.domains[0] ?? top.hostname
    return {
      hostname: top.hostname,
      // A store that lives as long as the process: for tests.
      data: top.data === ':memory:' ? top.data : this.#path(top.data),
      user: top.user,
      group: top.group,
      domains: top.domains,
      submitSocket: this.#path(top.submitSocket ?? join(top.data === ':memory:' ? '.' : top.data, 'submit.sock')),
      origin,
      trustedNetworks: this.#narrow('trustedNetworks', top.trustedNetworks, 'send mail through this host'),
      listeners: this.#listeners(root),
      tls: this.#tls(this.#table(root, 'tls')),
      dns: { ...dns, servers: dns.servers.map(endpointText) },
      destinations: this.#tables(root, 'destination').map((table, at) =>
        this.#destination(table, `destination[${at}]`),
      ),
      routes: this.#tables(root, 'route').map((table, at) => this.#route(table, `route[${at}]`)),
      reports: { ...reports, contact: reports.contact ?? `postmaster@${origin}` },
      publish: this.#section(this.#table(root, 'publish'), 'publish', declared.publishOptions),
      relay: this.#section(this.#table(root, 'relay'), 'relay', declared.relayOptions),
      transfer: { ...transfer, hostname: top.hostname },
      authenticity: this.#section(this.#table(root, 'authenticity'), 'authenticity', declared.authenticityOptions),
      senderRules: this.#tables(root, 'senderRule').map((table, at) => this.#senderRule(table, `senderRule[${at}]`)),
      rewrite: this.#section(this.#table(root, 'rewrite'), 'rewrite', declared.rewriteOptions),
      checks: this.#tables(root, 'check').flatMap((table, at) => this.#check(table, at)),
      log: this.#log(this.#table(root, 'log')),
      smtp: this.#smtp(this.#table(root, 'smtp')),
      pop3: this.#section(this.#table(root, 'pop3'), 'pop3', declared.pop3Options),
      auth: this.#auth(this.#table(root, 'auth')),
      accountWatch: this.#section(this.#table(root, 'accountWatch'), 'accountWatch', declared.accountWatchOptions),
      oauth: this.#oauth(this.#table(root, 'oauth')),
      directory: this.#directory(this.#table(root, 'directory')),
      limits: this.#section(this.#table(root, 'limits'), 'limits', declared.limitsOptions),
    }
  }

  #fault(key: KeyPath, text: string, hint?: string): void {
    const { file, lines } = this.#source
    this.#faults.push({ file, line: lines?.of(key), key, text, hint })
  }

  #path(name: string): string {
    return isAbsolute(name) ? name : resolve(join(this.#source.folder, name))
  }

  #table(parent: Table, name: string, path: KeyPath = name): Table {
    const value = parent[name]
    if (value === undefined) return {}
    if (isTable(value)) return value
    this.#fault(
      path,
      `${path} must be a table`,
      Array.isArray(value)
        ? `Write [${path}], with one pair of brackets.`
        : `Write [${path}] on a line of its own, and its keys below.`,
    )
    return {}
  }

  #tables(parent: Table, name: string, path: KeyPath = name): readonly Table[] {
    const value = parent[name]
    if (value === undefined) return []
    if (Array.isArray(value) && value.every(isTable)) return value
    this.#fault(
      path,
      `${path} must be a list of tables`,
      `Write [[${path}]], with two pairs of brackets, for each of them.`,
    )
    return []
  }

  /** The values of a table, defaults where nothing is said; unknown keys and bad values are faults. */
  #section<const Options extends Readonly<Record<string, unknown>>>(
    table: Table,
    path: KeyPath,
    options: Options,
  ): ValuesOf<Options> {
    const known = options as unknown as OptionTable
    // Tables below this one: `[tls]` knows `certificate`, the top knows them all.
    const below = sections
      .map(({ name }) => name)
      .filter((name) => (path === '' ? name !== '' && !name.includes('.') : name.startsWith(`${path}.`)))
    const tables = new Set(path === '' ? below : below.map((name) => name.slice(path.length + 1)))
    for (const key of Object.keys(table))
      if (!(key in known) && !tables.has(key)) this.#unknown(key, path, [...Object.keys(known), ...tables])
    const values: Record<string, unknown> = {}
    for (const [key, option] of Object.entries(known) as [string, Option<unknown>][]) {
      values[key] = option.default
      if (table[key] === undefined) continue
      try {
        values[key] = option.kind.read(table[key])
      } catch (error) {
        if (!(error instanceof ValueFault)) throw error
        const near = typeof table[key] === 'string' ? nearest(table[key], choicesOf(option.kind.words)) : undefined
        this.#fault(
          childPath(path, key),
          `${childPath(path, key)} ${error.message}`,
          near === undefined ? error.hint : `Did you mean "${near}"?`,
        )
      }
    }
    return values as ValuesOf<Options>
  }

  #unknown(key: string, path: KeyPath, known: readonly string[]): void {
    const where = path === '' ? 'the configuration' : `[${path.replace(/\[\d+\]/g, '')}]`
    const near = nearest(key, known)
    if (near !== undefined)
      return this.#fault(childPath(path, key), `Unknown key "${key}" in ${where}`, `Did you mean "${near}"?`)
    const home = sections.find(({ options }) => key in options)
    const hint =
      home && home.name !== path
        ? `"${key}" belongs ${home.name === '' ? 'to the top, before the first [table]' : `in ${home.repeated ? `[[${home.name}]]` : `[${home.name}]`}`}.`
        : `Known keys: ${known.join(', ')}.`
    this.#fault(childPath(path, key), `Unknown key "${key}" in ${where}`, hint)
  }

  #listeners(root: Table): readonly ListenerConfig[] {
    const tables = this.#tables(root, 'listener')
    if (root['listener'] === undefined) return defaultServices.map((service) => listenerOf(service))
    const taken = new Map<string, KeyPath>()
    return tables.flatMap((table, at) => {
      const path = `listener[${at}]`
      const listener = this.#listener(table, path)
      if (!listener) return []
      const place = endpointText({ host: listener.address, port: listener.port })
      const other = listener.port === 0 ? undefined : taken.get(place)
      if (other !== undefined)
        this.#fault(
          `${path}.address`,
          `Two listeners use ${place}`,
          `The other one is in line ${this.#source.lines?.of(other)}.`,
        )
      taken.set(place, path)
      return [listener]
    })
  }

  #listener(table: Table, path: KeyPath): ListenerConfig | undefined {
    const said = this.#section(table, path, declared.listenerOptions)
    const name = said.service
    if (name === undefined) {
      if (table['service'] === undefined)
        this.#fault(path, 'A listener needs a service', `It is one of ${defaultServices.join(', ')}.`)
      return undefined
    }
    const service = services[name]
    if (!service.served) {
      this.#fault(
        `${path}.service`,
        `The service "${name}" is not available yet`,
        `Remove this listener; available services: ${defaultServices.join(', ')}.`,
      )
    }
    const address = said.address?.host ?? '127.0.0.1'
    const tls = said.tls ?? service.tls
    if ((tls === 'implicit') !== (service.tls === 'implicit')) {
      const other = Object.keys(services).find(
        (other) => other === (tls === 'implicit' ? `${name}s` : name.replace(/s$/, '')),
      )
      this.#fault(
        `${path}.tls`,
        `The service "${name}" cannot have tls = "${tls}"`,
        other === undefined ? undefined : `Use service = "${other}" for that.`,
      )
    }
    if (said.plaintextAuth && !isLoopback(address)) {
      this.#fault(
        `${path}.plaintextAuth`,
        `plaintextAuth is for loopback addresses only, and this one is ${address}`,
        'Passwords would be sent in clear: let clients use STARTTLS or the service with TLS.',
      )
    }
    if (service.signsIn && tls === 'none' && !said.plaintextAuth) {
      this.#fault(
        `${path}.tls`,
        `No client could sign in at this ${name} listener, since passwords need TLS`,
        'Leave tls at its default, or set plaintextAuth = true on a loopback address.',
      )
    }
    return {
      service: name,
      address,
      port: said.address?.port ?? service.port,
      tls,
      plaintextAuth: said.plaintextAuth,
      bareNewline: said.bareNewline ?? bareNewlineOf(name),
      publicPort: said.publicPort ?? said.address?.port ?? service.port,
      ...(said.proxyFrom.length === 0
        ? {}
        : { proxyFrom: this.#narrow(`${path}.proxyFrom`, said.proxyFrom, 'claim any client address') }),
    }
  }

  #smtp(table: Table): Config['smtp'] {
    const said = this.#section(table, 'smtp', declared.smtpOptions)
    return { ...said, xclientFrom: this.#narrow('smtp.xclientFrom', said.xclientFrom, 'claim any client address') }
  }

  #check(table: Table, at: number): ContentRule[] {
    const path = `check[${at}]`
    const said = this.#section(table, path, declared.checkOptions)
    const read = checkOf(said, at)
    if ('rule' in read) return [read.rule]
    this.#fault(table[read.key] === undefined ? path : `${path}.${read.key}`, read.text, read.hint)
    return []
  }

  #log(table: Table): Config['log'] {
    const said = this.#section(table, 'log', declared.logOptions)
    return { ...said, file: said.file === undefined ? undefined : this.#path(said.file) }
  }

  /** Who is believed: nobody means half the world. */
  #narrow(
    key: KeyPath,
    networks: readonly (IpNetwork & { readonly text: string })[],
    harm: string,
  ): readonly IpNetwork[] {
    for (const { prefixBits, text } of networks) {
      if (prefixBits < 8)
        this.#fault(
          key,
          `${text} is a large part of the internet, and every host in it could ${harm}`,
          'Name only networks of your own.',
        )
    }
    return networks
  }

  #tls(table: Table): TlsConfig {
    const said = this.#section(table, 'tls', declared.tlsOptions)
    const entries = this.#tables(table, 'certificate', 'tls.certificate')
    const given = said.cert !== undefined || said.key !== undefined
    const authorities = said.authorities === undefined ? {} : { authorities: this.#path(said.authorities) }
    if (said.source === 'self-signed') {
      if (given || entries.length > 0)
        this.#fault(
          given ? `tls.${said.cert === undefined ? 'key' : 'cert'}` : 'tls.certificate[0]',
          'Certificates are named, but tls.source is "self-signed"',
          'Set source = "files" in [tls].',
        )
      return { source: 'self-signed', ...authorities }
    }
    if (given && entries.length > 0)
      this.#fault(
        'tls.certificate[0]',
        'Certificates are named both in [tls] and in [[tls.certificate]]',
        'Keep one of the two.',
      )
    if (!given && entries.length === 0)
      this.#fault('tls.source', 'tls.source is "files", but no certificate is named', 'Set cert and key in [tls].')
    const pairs = given
      ? [this.#pair(said, 'tls')]
      : entries.map((entry, at) =>
          this.#pair(
            this.#section(entry, `tls.certificate[${at}]`, declared.certificateOptions),
            `tls.certificate[${at}]`,
          ),
        )
    return { source: 'files', certificates: pairs.flatMap((pair) => pair ?? []), ...authorities }
  }

  #pair(
    said: { readonly cert?: string; readonly key?: string },
    path: KeyPath,
  ): { cert: string; key: string } | undefined {
    if (said.cert !== undefined && said.key !== undefined)
      return { cert: this.#path(said.cert), key: this.#path(said.key) }
    const missing = said.cert === undefined ? 'cert' : 'key'
    this.#fault(path, `A certificate needs cert and key, and ${missing} is missing`, `Add ${missing} = "…pem".`)
    return undefined
  }

  #auth(table: Table): AuthOptions {
    const { clientCertificates, ...said } = this.#section(table, 'auth', declared.authOptions)
    return { ...said, clientCertificates: clientCertificates && this.#path(clientCertificates) }
  }

  #oauth(table: Table): OAuthOptions {
    const said = this.#section(table, 'oauth', declared.oauthOptions)
    for (const { key, text, hint } of oauthFaults(said, isLoopback)) this.#fault(`oauth.${key}`, text, hint)
    const { jwks, clientSecretFile } = said
    return {
      ...said,
      jwks: jwks === undefined || isWebAddress(jwks) ? jwks : this.#path(jwks),
      clientSecretFile: clientSecretFile && this.#path(clientSecretFile),
    }
  }

  #directory(table: Table): DirectoryOptions {
    const said = this.#section(table, 'directory', declared.directoryOptions)
    const has = (key: string): boolean => table[key] !== undefined
    for (const { key, text, hint } of directoryFaults(said, has, isLoopback))
      this.#fault(`directory.${key}`, text, hint)
    const { ca, passwordFile } = said
    return { ...said, ca: ca && this.#path(ca), passwordFile: passwordFile && this.#path(passwordFile) }
  }

  #destination(table: Table, path: KeyPath): DestinationRule {
    const said = this.#section(table, path, declared.destinationOptions)
    if (said.match === undefined) {
      this.#fault(
        path,
        'A destination needs "match"',
        'Write match = "example.org", or the name of a mail host: "*.mail.example.net".',
      )
    }
    return { ...said, match: said.match ?? '*' }
  }

  #senderRule(table: Table, path: KeyPath): SenderRule {
    const said = this.#section(table, path, declared.senderRuleOptions)
    if (said.from === undefined)
      this.#fault(path, 'A rule for senders needs "from"', 'Write from = "example.net", or "*" for all domains.')
    return { ...said, from: said.from ?? '*' }
  }

  #route(table: Table, path: KeyPath): RouteConfig {
    const said = this.#section(table, path, declared.routeOptions)
    const has = (key: string): boolean => table[key] !== undefined
    const { route, faults } = declared.readRoute(said, has, isLoopback, (name) => this.#path(name))
    for (const { key, text, hint } of faults) this.#fault(key === undefined ? path : `${path}.${key}`, text, hint)
    return route
  }
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}

/** The quoted words of a choice. */
function choicesOf(words: string): string[] {
  return words.startsWith('one of ') ? [...words.matchAll(/"([^"]+)"/g)].map((match) => match[1]!) : []
}

export function endpointText({ host, port }: Endpoint): string {
  const name = host.includes(':') ? `[${host}]` : host
  return port === undefined ? name : `${name}:${port}`
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (addressFamily(host) === 4 && host.startsWith('127.'))
}

/** What programs of our own users write is mended; what other servers send must be as RFC 5321 §2.3.8 has it. */
function bareNewlineOf(service: Service): ListenerConfig['bareNewline'] {
  return service === 'submission' || service === 'submissions' ? 'normalize' : 'refuse'
}

function listenerOf(service: (typeof defaultServices)[number]): ListenerConfig {
  const { port, tls } = services[service]
  const bareNewline = bareNewlineOf(service)
  return { service, address: '127.0.0.1', port, tls, plaintextAuth: false, bareNewline, publicPort: port }
}
