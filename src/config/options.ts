/** Every key of the configuration file, declared once: its kind, its default, and why it is so. Reader, sample and reference are made of these. */
import { parseIpNetwork } from '../base/ip-network.ts'
import type { Config } from './config.ts'
import { admissionDefaults } from '../server/admission.ts'
import * as kinds from './kinds.ts'
import { option, type Option, type OptionTable } from './option.ts'
import { accountWatchOptions } from './account-watch-options.ts'
import { authOptions, directoryOptions, oauthOptions } from './people-options.ts'
import { defaultServices, services } from './services.ts'
import { publishOptions } from './publish-options.ts'
import { reportOptions } from './report-options.ts'
import { relayOptions, routeOptions } from './route-options.ts'
import { checkOptions, rewriteOptions } from './shape-options.ts'
import { smtpOptions } from './smtp-options.ts'
import {
  authenticityOptions,
  destinationOptions,
  dnsOptions,
  senderRuleOptions,
  transferOptions,
} from './transfer-options.ts'

export * from './account-watch-options.ts'
export * from './people-options.ts'
export * from './publish-options.ts'
export * from './report-options.ts'
export * from './route-options.ts'
export * from './shape-options.ts'
export * from './smtp-options.ts'
export * from './transfer-options.ts'

/** A table of the file and the keys that it may have. */
export interface Section {
  /** As in the file: '' for the top, 'tls', 'listener'. */
  readonly name: string
  /** `[[name]]`: any number of them. */
  readonly repeated: boolean
  readonly why: string
  readonly options: OptionTable
}

export const topOptions = {
  hostname: option(
    kinds.domain,
    'localhost',
    'Our name in greetings, HELO and Received. It should resolve to this machine and back once mail is sent to others.',
  ),
  data: option(kinds.path, './data', 'The folder of the store, keys and certificates. One process at a time owns it.'),
  user: option(
    kinds.text,
    undefined,
    'Started by root, the process becomes this user as soon as its ports are bound; certificates and the data folder must be readable to it. A service manager that gives CAP_NET_BIND_SERVICE needs no root at all.',
    'pennypost',
  ),
  group: option(kinds.text, undefined, "The group that goes with it. Without it the user's own.", 'pennypost'),
  domains: option(
    kinds.list(kinds.domain),
    ['pennypost.localhost'],
    'Domains made on first start, the first of them with an account whose password is shown once. Later ones are added with "pennypost domain add".',
  ),
  origin: option(
    kinds.domain,
    undefined,
    "What completes addresses without a domain, as cron's root or a local user's name. Without it the first of domains.",
    'example.org',
  ),
  submitSocket: option(
    kinds.path,
    undefined,
    'The Unix socket by which "sendmail" submits mail of local users, without a password, to anybody. Without it submit.sock in the data folder, which only its owner can reach; "/run/pennypost/submit.sock" is for all users of this machine.',
    '/run/pennypost/submit.sock',
  ),
  trustedNetworks: option(
    kinds.list(kinds.ipNetwork),
    [],
    'Hosts that may send to anybody without signing in: printers, machines of an internal network. Nobody by default, not even loopback: on a shared host every user is there.',
    [{ ...parseIpNetwork('192.168.7.0/24')!, text: '192.168.7.0/24' }],
  ),
}

export const listenerOptions = {
  service: option(
    kinds.choice(...(Object.keys(services) as (keyof typeof services)[])),
    undefined,
    'What is spoken there.',
    'smtp',
  ),
  address: option(
    kinds.endpoint({ names: false }),
    undefined,
    "Where it listens. Without it 127.0.0.1 with the service's unprivileged port; port 0 takes any free one.",
    { host: '127.0.0.1', port: 2525 },
  ),
  tls: option(
    kinds.choice('implicit', 'starttls', 'none'),
    undefined,
    'Follows from the service: submissions and imaps begin with a handshake, the others offer STARTTLS. "none" switches the offer off.',
    'starttls',
  ),
  plaintextAuth: option(
    kinds.flag,
    false,
    'Takes passwords before TLS: only on loopback addresses, for tests. Whoever listens on the way could read them elsewhere.',
  ),
  bareNewline: option(
    kinds.choice('refuse', 'normalize'),
    undefined,
    'A message with a CR or LF that stands alone. "refuse" is what RFC 5321 §2.3.8 asks for, and what keeps smuggled messages out: the default of smtp and lmtp. "normalize" makes them CRLF, for scripts and old devices of your own: the default of submission and submissions.',
    'refuse',
  ),
  publicPort: option(
    kinds.count(1, 65_535),
    undefined,
    'The port under which others reach this listener, where a router or container maps it: told to mail programs that look for their settings.',
    993,
  ),
  proxyFrom: option(
    kinds.list(kinds.ipNetwork),
    [],
    'Proxies, as HAProxy, that pass connections on to this listener: theirs begin with a PROXY header, version 1 or 2, and everything that counts by address counts for the client that it names. Without the header they are closed; others connect as ever. Whoever is named here can be anybody.',
    [{ ...parseIpNetwork('10.0.0.5')!, text: '10.0.0.5' }],
  ),
}

export const tlsOptions = {
  source: option(
    kinds.choice('self-signed', 'files'),
    'self-signed',
    'Where certificates come from. "self-signed": made on first start and kept in the data folder; clients ask once whether to trust it. "files": yours.',
  ),
  cert: option(
    kinds.path,
    undefined,
    'With "files": the certificate and its chain, PEM.',
    '/etc/ssl/mail.example.org.pem',
  ),
  key: option(kinds.path, undefined, 'With "files": its private key, PEM.', '/etc/ssl/private/mail.example.org.key'),
  authorities: option(
    kinds.path,
    undefined,
    'Certificates of authorities, PEM, that are believed beside the well-known ones when we connect to other mail hosts: that of a company, say.',
    '/etc/ssl/company-ca.pem',
  ),
}

export const certificateOptions = {
  cert: option(
    kinds.path,
    undefined,
    'The certificate and its chain, PEM. The first entry answers clients that name no server.',
    '/etc/ssl/mail.example.org.pem',
  ),
  key: option(kinds.path, undefined, 'Its private key, PEM.', '/etc/ssl/private/mail.example.org.key'),
}

export const storeOptions = {
  engine: option(
    kinds.choice('sqlite', 'postgres'),
    'sqlite',
    'Where mail rests. "sqlite" is embedded and needs nothing else; "postgres" is not built yet.',
  ),
}

export const logOptions = {
  level: option(
    kinds.choice('debug', 'info', 'warn', 'error'),
    'info',
    'The least that is written. Changed by a reload, so that trouble can be watched while it lasts.',
  ),
  file: option(
    kinds.path,
    undefined,
    "Where events go; opened again by a reload, as logrotate wants it. Without it standard error, which is the service manager's.",
    '/var/log/pennypost.log',
  ),
  format: option(
    kinds.choice('auto', 'json', 'text'),
    'auto',
    'One JSON object a line, or text for people. "auto": text on a terminal, else JSON.',
  ),
}

export const pop3Options = {
  loginDelayMs: option(
    kinds.duration,
    0,
    'What has to pass between two POP3 logins of one account (RFC 2449 §6.5), told to clients in CAPA; for hosts where programs poll every second. 0: nothing.',
    60_000,
  ),
}

export const limitsOptions = {
  connectionsMax: option(
    kinds.count(1, 1_000_000),
    admissionDefaults.connectionsMax,
    'Connections of all listeners together. An idle one costs some kilobytes; the process needs as many file handles.',
  ),
  connectionsPerAddressMax: option(
    kinds.count(1, 1_000_000),
    admissionDefaults.connectionsPerAddressMax,
    'The same from one network, as prefixBitsV4 and prefixBitsV6 have it: an office behind one address fits, and one host cannot take every place.',
  ),
  connectionRatePerMinute: option(
    kinds.count(0, 1_000_000),
    admissionDefaults.connectionRatePerMinute,
    'New connections of one network in a minute; one more is told to come later (421 in SMTP). 0: as many as come. This machine is never counted.',
  ),
  prefixBitsV4: option(
    kinds.count(8, 32),
    admissionDefaults.prefixBitsV4,
    'What of an IPv4 address makes a network that is counted as one. 32: each address, since one is often a whole office; 24 takes in what a customer may change between.',
  ),
  prefixBitsV6: option(
    kinds.count(16, 128),
    admissionDefaults.prefixBitsV6,
    'The same for IPv6. 64 is the least that anybody is given, so that nobody has more than one place.',
  ),
  shutdownGraceMs: option(
    kinds.duration,
    8000,
    'What is under way may end within this time when we are told to stop. Container runtimes kill after 10 s.',
  ),
} satisfies { [K in keyof Config['limits']]: Option<Config['limits'][K]> }

function section(name: string, options: object, why: string, repeated = false): Section {
  return { name, repeated, why, options: options as OptionTable }
}

const defaultListeners = defaultServices.map((name) => `${name} on ${services[name].port}`).join(', ')

/** In the order of the sample. */
export const sections: readonly Section[] = [
  section('', topOptions, 'Who we are and what we keep.'),
  section(
    'listener',
    listenerOptions,
    `Where which service listens. Without any: ${defaultListeners}, all on 127.0.0.1. Writing one replaces all of these.`,
    true,
  ),
  section('tls', tlsOptions, 'The certificates that we show.'),
  section(
    'tls.certificate',
    certificateOptions,
    'With source = "files": several certificates, chosen by the name that the client asks for (SNI). Instead of cert and key.',
    true,
  ),
  section('store', storeOptions, 'The engine below the data folder.'),
  section('dns', dnsOptions, 'How names are looked up.'),
  section(
    'route',
    routeOptions,
    'Mail to others that shall not go to their MX hosts, or in another way: a relay, a neighbour, everything to a smarthost.',
    true,
  ),
  section('relay', relayOptions, 'Mail of others that only passes through here.'),
  section('transfer', transferOptions, 'Mail on its way: what is taken, and how long and how often it is tried.'),
  section(
    'destination',
    destinationOptions,
    'How one destination, or all that a provider serves, is treated. Without any: limits that grow with success and shrink with failure.',
    true,
  ),
  section('authenticity', authenticityOptions, 'Who really sent a message: what is asked, and what follows.'),
  section(
    'senderRule',
    senderRuleOptions,
    "What holds for messages with a domain in From, beyond that domain's own wishes.",
    true,
  ),
  section('reports', reportOptions, 'What other domains are told.'),
  section(
    'publish',
    publishOptions,
    'What our own domains tell those who send to them: how safe the way to us is. The https listener serves it, and "pennypost domain dns" prints its records.',
  ),
  section(
    'rewrite',
    rewriteOptions,
    'Addresses that others are to see otherwise, and who gets copies. Senders and headers are changed in the mail of our own users and hosts alone.',
  ),
  section(
    'check',
    checkOptions,
    'Rules for what messages say, in their order; a field meets the first that fits it, a body all that fit. A pattern costs time with every message.',
    true,
  ),
  section('log', logOptions, 'Events: one line each, never a secret, never a message.'),
  section('smtp', smtpOptions, 'SMTP, submission and LMTP: what clients may ask for, and how much.'),
  section('pop3', pop3Options, 'POP3: one maildrop, one session.'),
  section('auth', authOptions, 'How people sign in, and what happens to those who guess.'),
  section(
    'accountWatch',
    accountWatchOptions,
    'When an account looks as if somebody else used it: sudden volume, many unknown recipients, sign-ins from many networks.',
  ),
  section(
    'oauth',
    oauthOptions,
    "Signing in by tokens of somebody else's login page (OAUTHBEARER, XOAUTH2). Offered when jwks or introspection is set.",
  ),
  section(
    'directory',
    directoryOptions,
    'Where people are kept: here, or in an LDAP directory. See "Users from LDAP" in the operator guide.',
  ),
  section('limits', limitsOptions, 'Bounds of the whole process.'),
]
