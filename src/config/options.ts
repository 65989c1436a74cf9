/**
 * Every key of the configuration file: the tables that the rooms declare, and those that belong to no room. Reader,
 * sample and reference are made of these.
 */
import { parseIpNetwork } from '../base/ip-network.ts'
import * as kinds from '../base/options/kinds.ts'
import { option, table, type OptionTable } from '../base/options/option.ts'
import { authenticityOptions } from '../checks/authenticity.ts'
import { senderRuleOptions } from '../checks/consequence.ts'
import { contentRuleOptions } from '../checks/content-options.ts'
import { relayOptions } from '../delivery/options.ts'
import { rewriteOptions } from '../delivery/rewrite/options.ts'
import { accountWatchOptions } from '../directory/account-watch.ts'
import { directoryOptions } from '../directory/directory-options.ts'
import { authOptions, oauthOptions } from '../directory/options.ts'
import { admissionOptions } from '../listen/admission-options.ts'
import { smtpPaceOptions } from '../checks/network.ts'
import * as mailKinds from '../mail/option-kinds.ts'
import { loginOptions } from '../protocol/pop3/options.ts'
import { smtpPolicyOptions } from '../protocol/smtp/policy-options.ts'
import { destinationOptions } from '../queue/options.ts'
import { reportOptions, transferOptions } from '../transport/options.ts'
import { routeOptions } from '../transport/route-options.ts'
import { publishOptions } from '../web/discovery/publish-options.ts'
import { defaultServices, services } from './services.ts'

/** A table of the file and the keys that it may have. */
export interface Section {
  /** As in the file: '' for the top, 'tls', 'listener'. */
  readonly name: string
  /** `[[name]]`: any number of them. */
  readonly repeated: boolean
  readonly why: string
  readonly options: OptionTable
  /** Names that the table had in earlier versions: understood, with a warning. */
  readonly formerly?: readonly string[]
}

export const topOptions = table({
  hostname: option(
    mailKinds.domain,
    'localhost',
    'The name of this host in greetings, HELO and Received. Its DNS address should be this machine, and the reverse name (PTR) the same, once mail is sent to other hosts.',
  ),
  data: option(
    kinds.path,
    './data',
    'The data folder: store, keys and certificates. One process at a time can use it.',
  ),
  user: option(
    kinds.text,
    undefined,
    'The user that the process runs as after root has started it and the ports are bound. It must be able to read the certificates and the data folder. Not needed where a service manager grants CAP_NET_BIND_SERVICE.',
    'pennypost',
  ),
  group: option(
    kinds.text,
    undefined,
    'The group that the process runs as. Default: the primary group of the user.',
    'pennypost',
  ),
  domains: option(
    kinds.list(mailKinds.domain),
    ['pennypost.localhost'],
    'Local domains created on the first start; the first one gets an account, whose password is shown once. Add more with "pennypost domain add".',
  ),
  origin: option(
    mailKinds.domain,
    undefined,
    'The domain appended to addresses without one, such as root (cron) or the name of a local user. Default: the first of domains.',
    'example.org',
  ),
  submitSocket: option(
    kinds.path,
    undefined,
    'The Unix socket through which "sendmail" submits mail of local users, without a password and to any address. Default: submit.sock in the data folder, which only its owner can use. "/run/pennypost/submit.sock" is open to all users of this machine.',
    '/run/pennypost/submit.sock',
  ),
  trustedNetworks: option(
    kinds.list(kinds.ipNetwork),
    [],
    'Networks whose hosts may relay to any address without signing in: printers, machines of an internal network. Empty by default; loopback is not included either, since every local user of a shared host could use it.',
    [{ ...parseIpNetwork('192.168.7.0/24')!, text: '192.168.7.0/24' }],
  ),
  warmUp: option(
    kinds.flag,
    false,
    'Exercises IMAP for some tenths of a second after the start, on a few hundred messages in memory, so that the first clients are served as quickly as later ones. It waits while anything else is to be done. Off by default, since the program is 14 MiB larger at rest with it.',
  ),
})

export const dnsOptions = table({
  servers: option(
    kinds.list(mailKinds.endpoint({ names: false })),
    [],
    'Resolvers to use, as addresses with or without a port. Empty: those of the system.',
    [{ host: '127.0.0.1', port: 5353 }],
  ),
  validated: option(
    kinds.flag,
    false,
    "Trusts the resolvers' DNSSEC validation. Set it only if they validate and run on this machine or are reached over a safe network; DANE (RFC 7672) needs it. Off by default, since otherwise an attacker on the network could forge the answers.",
  ),
  hosts: option(
    mailKinds.hosts,
    new Map(),
    'Names with fixed addresses, for internal hosts and for domains whose mail goes straight to an address. Used before any resolver.',
    new Map([['mail.lan', ['10.0.0.5']]]),
  ),
  lookups: option(
    kinds.flag,
    true,
    'Uses the DNS. Set it to false where there is none: then only hosts and routes are known, and mail for any other domain bounces at once instead of after days.',
  ),
})

export const listenerOptions = table({
  service: option(
    kinds.choice(...(Object.keys(services) as (keyof typeof services)[])),
    undefined,
    'The protocol of this listener.',
    'smtp',
  ),
  address: option(
    mailKinds.endpoint({ names: false }),
    undefined,
    "The address and port to listen on. Default: 127.0.0.1 with the service's unprivileged port; port 0 chooses a free one.",
    { host: '127.0.0.1', port: 2525 },
  ),
  tls: option(
    kinds.choice('implicit', 'starttls', 'none'),
    undefined,
    'How TLS begins. Default: by service; submissions, imaps, pop3s and https begin with a handshake ("implicit"), the others offer STARTTLS, and http has none. "none" does not offer TLS.',
    'starttls',
  ),
  plaintextAuth: option(
    kinds.flag,
    false,
    'Accepts passwords without TLS. For tests, and on loopback addresses only, since elsewhere passwords could be read on the network.',
  ),
  bareNewline: option(
    kinds.choice('refuse', 'normalize'),
    undefined,
    'What to do with a message that has a bare CR or LF. "refuse" follows RFC 5321 §2.3.8 and prevents SMTP smuggling: the default of smtp and lmtp. "normalize" turns them into CRLF, for scripts and old devices of your own: the default of submission and submissions.',
    'refuse',
  ),
  publicPort: option(
    kinds.count(1, 65_535),
    undefined,
    'The port under which clients reach this listener, if a router or container maps it. It is given to mail programs that look up their settings.',
    993,
  ),
  proxyFrom: option(
    kinds.list(kinds.ipNetwork),
    [],
    'Proxies, such as HAProxy, whose connections must begin with a PROXY header (version 1 or 2). The client address in the header is then used for limits, SPF and logs. Connections without the header are closed; other clients connect as usual. A proxy listed here can claim any client address.',
    [{ ...parseIpNetwork('10.0.0.5')!, text: '10.0.0.5' }],
  ),
})

export const tlsOptions = table({
  source: option(
    kinds.choice('self-signed', 'files'),
    'self-signed',
    'The source of certificates. "self-signed": created on the first start and kept in the data folder; clients ask once whether to trust it. "files": cert and key below.',
  ),
  cert: option(
    kinds.path,
    undefined,
    'With "files": the certificate and its chain (PEM).',
    '/etc/ssl/mail.example.org.pem',
  ),
  key: option(kinds.path, undefined, 'With "files": the private key (PEM).', '/etc/ssl/private/mail.example.org.key'),
  authorities: option(
    kinds.path,
    undefined,
    'Certificate authorities (PEM) to trust in addition to the well-known ones when we connect to other mail hosts, for example that of a company.',
    '/etc/ssl/company-ca.pem',
  ),
})

export const certificateOptions = table({
  cert: option(
    kinds.path,
    undefined,
    'The certificate and its chain (PEM). The first entry is used for clients that send no server name.',
    '/etc/ssl/mail.example.org.pem',
  ),
  key: option(kinds.path, undefined, 'The private key (PEM).', '/etc/ssl/private/mail.example.org.key'),
})

export const storeOptions = table({
  engine: option(
    kinds.choice('sqlite', 'postgres'),
    'sqlite',
    'The storage engine. "sqlite" is built in and needs nothing else; "postgres" is not implemented yet.',
  ),
})

export const logOptions = table({
  level: option(
    kinds.choice('debug', 'info', 'warn', 'error'),
    'info',
    'The lowest level to log. A reload changes it, so you can raise it while you look for a problem.',
  ),
  file: option(
    kinds.path,
    undefined,
    'The log file; a reload opens it again, as logrotate needs. Default: standard error, which the service manager collects.',
    '/var/log/pennypost.log',
  ),
  format: option(
    kinds.choice('auto', 'json', 'text'),
    'auto',
    '"json" for one JSON object per line, "text" for people. "auto": text on a terminal, else JSON.',
  ),
})

const { futureReleaseMaxMs, deliverByMinMs, noSoliciting, addressQueries, xclientFrom, ...limits } = smtpPolicyOptions

/** In the order of docs/config.md: the rates of networks stand with the other limits. */
export const smtpOptions = table({
  ...limits,
  ...smtpPaceOptions,
  futureReleaseMaxMs,
  deliverByMinMs,
  noSoliciting,
  addressQueries,
  xclientFrom,
})

export const limitsOptions = table({
  ...admissionOptions,
  shutdownGraceMs: option(
    kinds.duration,
    8000,
    'Time for open work to finish when the process is told to stop. Container runtimes kill after 10 s.',
  ),
})

function section(name: string, options: OptionTable, why: string, repeated = false): Section {
  return { name, repeated, why, options }
}

const defaultListeners = defaultServices.map((name) => `${name} on ${services[name].port}`).join(', ')

/** In the order of the sample. */
export const sections: readonly Section[] = [
  section('', topOptions, 'Names and places of this server.'),
  section(
    'listener',
    listenerOptions,
    `Services and the addresses they listen on. Default: ${defaultListeners}, all on 127.0.0.1. One [[listener]] replaces all of these.`,
    true,
  ),
  section('tls', tlsOptions, 'Certificates of this server.'),
  section(
    'tls.certificate',
    certificateOptions,
    'With source = "files": several certificates, chosen by the name that the client sends (SNI). Instead of cert and key.',
    true,
  ),
  section('store', storeOptions, 'The storage engine.'),
  section('dns', dnsOptions, 'DNS look-ups.'),
  section(
    'route',
    routeOptions,
    'Routes for outgoing mail that does not simply go to MX hosts: a relay, a neighbour, everything to a smarthost.',
    true,
  ),
  section('relay', relayOptions, 'Domains that we relay for without hosting them.'),
  section('transfer', transferOptions, 'Receiving and sending: size limits, attempts, queue times.'),
  section(
    'destination',
    destinationOptions,
    'Limits for one destination, or for all domains of a provider. Without any, limits grow with success and shrink with failure.',
    true,
  ),
  section('authenticity', authenticityOptions, 'Sender authentication (SPF, DKIM, DMARC, ARC) of incoming mail.'),
  section(
    'senderRule',
    senderRuleOptions,
    "Local rules by the domain in From, instead of that domain's own policy.",
    true,
  ),
  section('reports', reportOptions, 'Reports to other domains.'),
  section(
    'publish',
    publishOptions,
    'Policies that our own domains publish for senders (MTA-STS, TLS reports). The https listener serves them, and "pennypost domain dns" prints their records.',
  ),
  section(
    'rewrite',
    rewriteOptions,
    'Address rewriting and copies. Senders and headers are rewritten only in mail from signed-in users and trusted hosts.',
  ),
  section(
    'check',
    contentRuleOptions,
    'Content rules, in order: a header field takes the first rule that matches, a body all that match. Each pattern costs time for every message.',
    true,
  ),
  section('log', logOptions, 'The log: one line per event, without secrets and message texts.'),
  section('smtp', smtpOptions, 'Limits and options of SMTP, submission and LMTP.'),
  section('pop3', loginOptions, 'POP3.'),
  section('auth', authOptions, 'Sign-in, and limits against guessing.'),
  section(
    'accountWatch',
    accountWatchOptions,
    'Detection of stolen accounts: sudden volume, many unknown recipients, sign-ins from many networks.',
  ),
  section(
    'oauth',
    oauthOptions,
    'Sign-in with tokens of an external login page (OAUTHBEARER, XOAUTH2). Offered when jwks or introspection is set.',
  ),
  section(
    'directory',
    directoryOptions,
    'Users: in the store, or in an LDAP directory as well. See "Users from LDAP" in the operator guide.',
  ),
  section('limits', limitsOptions, 'Limits of the whole process.'),
]
