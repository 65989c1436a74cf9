/** From parsed TOML to a `Config`: every table against its options, every fault collected, then what several keys say together. */
import { join } from 'node:path'
import { isLoopbackHost } from '../base/loopback.ts'
import { authenticityOptions } from '../checks/authenticity.ts'
import { senderRuleOptions, type SenderRule } from '../checks/consequence.ts'
import { contentRuleOptions } from '../checks/content-options.ts'
import type { ContentRule } from '../checks/content.ts'
import { relayOptions } from '../delivery/options.ts'
import { rewriteOptions } from '../delivery/rewrite/options.ts'
import { accountWatchOptions } from '../directory/account-watch.ts'
import { directoryOptions, type DirectoryOptions } from '../directory/directory-options.ts'
import { authOptions, oauthOptions, type AuthOptions, type OAuthOptions } from '../directory/options.ts'
import { endpointText } from '../mail/option-kinds.ts'
import { loginOptions } from '../protocol/pop3/options.ts'
import { destinationOptions, type DestinationRule } from '../queue/options.ts'
import { reportOptions, transferOptions } from '../transport/options.ts'
import { routeOptions } from '../transport/route-options.ts'
import { publishOptions } from '../web/discovery/publish-options.ts'
import { checkOf } from './check.ts'
import type { Config, RouteConfig } from './config.ts'
import { directoryFaults } from './directory.ts'
import type { ConfigFault } from './fault.ts'
import type { KeyPath } from './lines.ts'
import { readListeners } from './listeners.ts'
import { isWebAddress, oauthFaults } from './oauth.ts'
import * as declared from './options.ts'
import { readRoute } from './route.ts'
import { SectionReader, type Source, type Table } from './section-reader.ts'
import { readTls } from './tls.ts'

/** Reads it all; faults are appended to `faults`, and with any of them the result is not to be used. */
export function readConfig(file: Table, source: Source, faults: ConfigFault[]): Config {
  const reader = new SectionReader(source, faults)
  const root = reader.root(file)
  const top = reader.section(root, '', declared.topOptions)
  const store = reader.section(reader.table(root, 'store'), 'store', declared.storeOptions)
  if (store.engine === 'postgres') {
    reader.fault('store.engine', 'The engine "postgres" is not implemented yet', 'Use "sqlite", the default.')
  }
  const dns = reader.section(reader.table(root, 'dns'), 'dns', declared.dnsOptions)
  const transfer = reader.section(reader.table(root, 'transfer'), 'transfer', transferOptions)
  const reports = reader.section(reader.table(root, 'reports'), 'reports', reportOptions)
  const origin = top.origin ?? top.domains[0] ?? top.hostname
  const config = {
    hostname: top.hostname,
    // A store that lives as long as the process: for tests.
    data: top.data === ':memory:' ? top.data : reader.path(top.data),
    user: top.user,
    group: top.group,
    domains: top.domains,
    submitSocket: reader.path(top.submitSocket ?? join(top.data === ':memory:' ? '.' : top.data, 'submit.sock')),
    origin,
    trustedNetworks: reader.narrow('trustedNetworks', top.trustedNetworks, 'send mail through this host'),
    warmUp: top.warmUp,
    listeners: readListeners(reader, root),
    tls: readTls(reader, reader.table(root, 'tls')),
    dns: { ...dns, servers: dns.servers.map(endpointText) },
    destinations: reader
      .tables(root, 'destination')
      .map((table, at) => destination(reader, table, `destination[${at}]`)),
    routes: reader.tables(root, 'route').map((table, at) => route(reader, table, `route[${at}]`)),
    reports: { ...reports, contact: reports.contact ?? `postmaster@${origin}` },
    publish: reader.section(reader.table(root, 'publish'), 'publish', publishOptions),
    relay: reader.section(reader.table(root, 'relay'), 'relay', relayOptions),
    transfer: { ...transfer, hostname: top.hostname },
    authenticity: reader.section(reader.table(root, 'authenticity'), 'authenticity', authenticityOptions),
    senderRules: reader.tables(root, 'senderRule').map((table, at) => senderRule(reader, table, `senderRule[${at}]`)),
    rewrite: reader.section(reader.table(root, 'rewrite'), 'rewrite', rewriteOptions),
    checks: reader.tables(root, 'check').flatMap((table, at) => check(reader, table, at)),
    log: log(reader, reader.table(root, 'log')),
    smtp: smtp(reader, reader.table(root, 'smtp')),
    pop3: reader.section(reader.table(root, 'pop3'), 'pop3', loginOptions),
    auth: auth(reader, reader.table(root, 'auth')),
    accountWatch: reader.section(reader.table(root, 'accountWatch'), 'accountWatch', accountWatchOptions),
    oauth: oauth(reader, reader.table(root, 'oauth')),
    directory: directory(reader, reader.table(root, 'directory')),
    limits: reader.section(reader.table(root, 'limits'), 'limits', declared.limitsOptions),
  }
  return { ...config, warnings: reader.warnings }
}

function smtp(reader: SectionReader, table: Table): Config['smtp'] {
  const said = reader.section(table, 'smtp', declared.smtpOptions)
  return { ...said, xclientFrom: reader.narrow('smtp.xclientFrom', said.xclientFrom, 'claim any client address') }
}

function check(reader: SectionReader, table: Table, at: number): ContentRule[] {
  const path = `check[${at}]`
  const said = reader.section(table, path, contentRuleOptions)
  const read = checkOf(said, at)
  if ('rule' in read) return [read.rule]
  reader.fault(table[read.key] === undefined ? path : `${path}.${read.key}`, read.text, read.hint)
  return []
}

function log(reader: SectionReader, table: Table): Config['log'] {
  const said = reader.section(table, 'log', declared.logOptions)
  return { ...said, file: said.file === undefined ? undefined : reader.path(said.file) }
}

function auth(reader: SectionReader, table: Table): AuthOptions {
  const { clientCertificates, ...said } = reader.section(table, 'auth', authOptions)
  return { ...said, clientCertificates: clientCertificates && reader.path(clientCertificates) }
}

function oauth(reader: SectionReader, table: Table): OAuthOptions {
  const said = reader.section(table, 'oauth', oauthOptions)
  for (const { key, text, hint } of oauthFaults(said, isLoopbackHost)) reader.fault(`oauth.${key}`, text, hint)
  const { jwks, clientSecretFile } = said
  return {
    ...said,
    jwks: jwks === undefined || isWebAddress(jwks) ? jwks : reader.path(jwks),
    clientSecretFile: clientSecretFile && reader.path(clientSecretFile),
  }
}

function directory(reader: SectionReader, table: Table): DirectoryOptions {
  const said = reader.section(table, 'directory', directoryOptions)
  const has = (key: string): boolean => table[key] !== undefined
  for (const { key, text, hint } of directoryFaults(said, has, isLoopbackHost))
    reader.fault(`directory.${key}`, text, hint)
  const { ca, passwordFile } = said
  return { ...said, ca: ca && reader.path(ca), passwordFile: passwordFile && reader.path(passwordFile) }
}

function destination(reader: SectionReader, table: Table, path: KeyPath): DestinationRule {
  const said = reader.section(table, path, destinationOptions)
  if (said.match === undefined) {
    reader.fault(
      path,
      'A destination needs "match"',
      'Write match = "example.org", or the name of a mail host: "*.mail.example.net".',
    )
  }
  return { ...said, match: said.match ?? '*' }
}

function senderRule(reader: SectionReader, table: Table, path: KeyPath): SenderRule {
  const said = reader.section(table, path, senderRuleOptions)
  if (said.from === undefined)
    reader.fault(path, 'A rule for senders needs "from"', 'Write from = "example.net", or "*" for all domains.')
  return { ...said, from: said.from ?? '*' }
}

function route(reader: SectionReader, table: Table, path: KeyPath): RouteConfig {
  const said = reader.section(table, path, routeOptions)
  const has = (key: string): boolean => table[key] !== undefined
  const { route, faults } = readRoute(said, has, isLoopbackHost, (name) => reader.path(name))
  for (const { key, text, hint } of faults) reader.fault(key === undefined ? path : `${path}.${key}`, text, hint)
  return route
}
