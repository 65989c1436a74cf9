/** Every key of the configuration file, declared once: its kind, its default, and why it is so. Reader, sample and reference are made of these. */
import { parseIpNetwork } from '../base/ip-network.ts'
import { authDefaults, oauthDefaults, type AuthOptions, type OAuthOptions } from '../accounts/options.ts'
import { directoryDefaults, type DirectoryOptions } from '../accounts/directory-options.ts'
import { authenticityDefaults, type AuthenticityOptions } from '../transfer/checks/authenticity.ts'
import { transferDefaults, type TransferOptions } from '../transfer/options.ts'
import type { Config } from './config.ts'
import * as kinds from './kinds.ts'
import type { Kind } from './kinds.ts'
import { defaultServices, services } from './services.ts'

export interface Option<T, Default extends T | undefined = T | undefined> {
  readonly kind: Kind<T>
  /** undefined: nothing unless it is said. */
  readonly default: Default
  /** What it does, and the reason for its default. */
  readonly why: string
  /** Shown in the sample where there is no default. */
  readonly example?: T
}

export type OptionTable = Readonly<Record<string, Option<never>>>

/** A table of the file and the keys that it may have. */
export interface Section {
  /** As in the file: '' for the top, 'tls', 'listener'. */
  readonly name: string
  /** `[[name]]`: any number of them. */
  readonly repeated: boolean
  readonly why: string
  readonly options: OptionTable
}

function option<T, const Default extends T | undefined>(
  kind: Kind<T>,
  fallback: Default,
  why: string,
  example?: T,
): Option<T, Default> {
  return { kind, default: fallback, why, example }
}

export type ValuesOf<Table> = {
  readonly [K in keyof Table]: Table[K] extends Option<infer T, infer Default>
    ? undefined extends Default
      ? T | undefined
      : T
    : never
}

const defaults = transferDefaults

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
    'refuse',
    'SMTP: a message with a CR or LF that stands alone. "refuse" is what RFC 5321 §2.3.8 asks for, and what keeps smuggled messages out; "normalize" makes them CRLF, for old devices of your own.',
  ),
  publicPort: option(
    kinds.count(1, 65_535),
    undefined,
    'The port under which others reach this listener, where a router or container maps it: told to mail programs that look for their settings.',
    993,
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

export const dnsOptions = {
  servers: option(
    kinds.list(kinds.endpoint({ names: false })),
    [],
    "Resolvers to ask, as addresses with or without a port. Empty: the system's own.",
    [{ host: '127.0.0.1', port: 5353 }],
  ),
  validated: option(
    kinds.flag,
    false,
    'The resolvers validate DNSSEC and nobody stands between them and us: they run on this machine, or the way to them is safe. Only then their word is believed, and DANE protects what is sent (RFC 7672). Off, since anybody on the way could say so.',
  ),
  hosts: option(
    kinds.hosts,
    new Map(),
    'Hosts of an internal network, and domains whose mail goes straight to an address: asked before any resolver.',
    new Map([['mail.lan', ['10.0.0.5']]]),
  ),
  lookups: option(
    kinds.flag,
    true,
    'Set it to false where there is no DNS: only hosts and routes are known, and a domain in neither is returned at once instead of after days.',
  ),
}

export const routeOptions = {
  domain: option(kinds.domainPattern, undefined, 'Whose mail takes this route; the most exact one wins.', '*'),
  to: option(kinds.endpoint({ names: true }), undefined, 'The host that takes it. Without a port: 25.', {
    host: 'relay.example.net',
    port: 587,
  }),
  tls: option(
    kinds.choice('opportunistic', 'required', 'implicit', 'none'),
    undefined,
    '"required": STARTTLS with a certificate that fits, or the mail waits; it is the default where there is a username. "implicit": TLS from the first byte. Else "opportunistic": encrypt if we can.',
    'required',
  ),
  username: option(kinds.text, undefined, 'Signs in there with this name.', 'user@example.net'),
  passwordFile: option(
    kinds.path,
    undefined,
    'A file whose first line is the password; so it does not stand in a configuration that people copy.',
    './relay-password',
  ),
}

/** The compiler keeps this table complete: one key for each option of the room. */
export const transferOptions = {
  messageBytesMax: option(
    kinds.size,
    defaults.messageBytesMax,
    'Largest message taken, told to clients in SIZE and APPENDLIMIT. 50 MB is what the large providers take, attachments encoded.',
  ),
  subaddressDelimiter: option(
    subaddress(),
    defaults.subaddressDelimiter,
    'Parts user from detail, as in user+detail@example.org, which is user\'s mail (RFC 5233). "" for none.',
  ),
  hopsMax: option(
    kinds.count(1, 1000),
    defaults.hopsMax,
    'Received fields after which a message is taken to run in a circle. RFC 5321 §6.3 asks for at least 100.',
  ),
  fileNowMax: option(
    kinds.count(1, 100_000),
    defaults.fileNowMax,
    'Recipients filed at once, after aliases are expanded; the rest is queued, so that the client gets its answer in time.',
  ),
  retryAfterMs: option(
    kinds.list(kinds.duration, 1),
    defaults.retryAfterMs,
    'Waits between attempts; the last one repeats. RFC 5321 §4.5.4.1: at least 30 minutes in general, sooner at first, since most trouble passes soon.',
  ),
  queueLifetimeMs: option(
    kinds.duration,
    defaults.queueLifetimeMs,
    'A message that could not be sent for so long is returned. RFC 5321 §4.5.4.1: at least 4 to 5 days.',
  ),
  delayWarningMs: option(
    kinds.duration,
    defaults.delayWarningMs,
    'A sender is told once of a message that is late by so much, unless he asked not to be (NOTIFY). After four hours people begin to wonder. 0: never.',
  ),
  transfersMax: option(
    kinds.count(1, 10_000),
    defaults.transfersMax,
    'Transfers under way at a time: each holds a socket and a piece of a message.',
  ),
  transfersPerDestinationMax: option(
    kinds.count(1, 1000),
    defaults.transfersPerDestinationMax,
    'The same to one destination: more is taken for an attack by many hosts.',
  ),
  smtpPort: option(
    kinds.count(1, 65_535),
    defaults.smtpPort,
    "The port of other people's MX hosts; only tests have another.",
  ),
} satisfies { [K in Exclude<keyof TransferOptions, 'hostname'>]: Option<TransferOptions[K]> }

export const authenticityOptions = {
  check: option(
    kinds.flag,
    authenticityDefaults.check,
    'Messages of strangers are checked: SPF, DKIM, ARC, DMARC and the name of their address. What was found is written into them (Authentication-Results). Not for who signs in, trusted networks and this machine.',
  ),
  dmarc: option(
    kinds.choice('obey', 'note'),
    authenticityDefaults.dmarc,
    'What the domain in From wishes for messages that it did not send (RFC 7489). "obey": p=reject is refused, p=quarantine goes to Junk. "note": it is only written down.',
  ),
} satisfies { [K in keyof AuthenticityOptions]: Option<AuthenticityOptions[K]> }

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

export const authOptions = {
  clientCertificates: option(
    kinds.path,
    authDefaults.clientCertificates,
    'The authorities, PEM, whose certificates people may sign in with (EXTERNAL): the mail address in the certificate names the account. Without it no client is asked for one.',
    '/etc/pennypost/clients-ca.pem',
  ),
  scramSha1: option(
    kinds.flag,
    authDefaults.scramSha1,
    'Offers SCRAM-SHA-1 too, for old clients that know no other SCRAM. Its keys are made with the password: accounts whose password was set while this was off cannot use it.',
  ),
  scramPlus: option(
    kinds.flag,
    authDefaults.scramPlus,
    'Offers SCRAM-SHA-256-PLUS, which proves that nobody sits between client and server (RFC 5802 §6). Off, since programs built on libgsasl (mutt and neomutt of Debian) take it as soon as they see it, cannot bind, and then sign in by nothing else.',
  ),
  failuresFree: option(
    kinds.count(1, 1000),
    authDefaults.failuresFree,
    'Different wrong passwords for an account from one address before it has to wait, twice as long each time. The same one again does not count.',
  ),
  delayMaxMs: option(
    kinds.duration,
    authDefaults.delayMaxMs,
    'The longest such wait: 1,440 guesses a day are too few for any password worth the name, and a forgetful owner is back in a minute.',
  ),
  trustMs: option(
    kinds.span,
    authDefaults.trustMs,
    'An address where the account has signed in is its own for so long: what fails elsewhere, or on other accounts there, does not slow it down.',
  ),
  accountsPerAddressMax: option(
    kinds.count(1, 100_000),
    authDefaults.accountsPerAddressMax,
    'Accounts that may fail from one address within an hour; beyond it that address tries a list of names, and is refused unless most of its sign-ins succeed.',
  ),
} satisfies Record<keyof AuthOptions, unknown>

export const oauthOptions = {
  issuer: option(
    kinds.text,
    oauthDefaults.issuer,
    'Whose tokens are taken, as its tokens name it.',
    'https://login.example.org',
  ),
  audience: option(
    kinds.text,
    oauthDefaults.audience,
    'What tokens for us name as their audience. Without it a token for any other service of the issuer would do here.',
    'pennypost',
  ),
  jwks: option(
    kinds.text,
    oauthDefaults.jwks,
    "The issuer's keys, a URL or a path: tokens are then checked here.",
    'https://login.example.org/jwks.json',
  ),
  introspection: option(
    kinds.text,
    oauthDefaults.introspection,
    'Instead of jwks: the URL where the issuer is asked about each token (RFC 7662). Slower, but a token can be revoked.',
    'https://login.example.org/introspect',
  ),
  clientId: option(kinds.text, oauthDefaults.clientId, 'Who we are when we ask there.', 'pennypost'),
  clientSecretFile: option(
    kinds.path,
    oauthDefaults.clientSecretFile,
    'A file whose first line is the secret that goes with it.',
    './oauth-secret',
  ),
  claim: option(
    kinds.text,
    oauthDefaults.claim,
    'What of a token is the name of the account. An email that the issuer says it has not verified does not count.',
  ),
  scope: option(
    kinds.text,
    oauthDefaults.scope,
    'A scope that the token must have; clients are told to ask for it.',
    'mail',
  ),
} satisfies Record<keyof OAuthOptions, unknown>

export const directoryOptions = {
  source: option(
    kinds.choice('store', 'ldap'),
    directoryDefaults.source,
    'Who the people are. "store": accounts made by "pennypost account add". "ldap": those of an LDAP directory too, which checks their passwords; their mail lies here, in accounts that are made when first needed.',
  ),
  urls: option(
    kinds.list(kinds.text),
    directoryDefaults.urls,
    'With "ldap": its servers, "ldaps://host" or "ldap://host", with a port where it is not the usual one. The first that answers is asked.',
    ['ldaps://ldap.example.org'],
  ),
  startTls: option(
    kinds.flag,
    directoryDefaults.startTls,
    'At ldap://, STARTTLS before anything else, since passwords travel there. false is for a server on this machine.',
  ),
  ca: option(
    kinds.path,
    directoryDefaults.ca,
    "The authorities, PEM, that its certificate may come from. Without it the public ones, which a directory's certificate seldom comes from.",
    '/etc/ssl/certs/our-ca.pem',
  ),
  bindDn: option(
    kinds.text,
    directoryDefaults.bindDn,
    'Who looks people up. Without it nobody in particular, if the directory lets that be.',
    'cn=mail,dc=example,dc=org',
  ),
  passwordFile: option(
    kinds.path,
    directoryDefaults.passwordFile,
    'A file whose first line is the password that goes with it.',
    './ldap-password',
  ),
  base: option(kinds.text, directoryDefaults.base, 'Where people and aliases are.', 'dc=example,dc=org'),
  userFilter: option(
    kinds.text,
    directoryDefaults.userFilter,
    'Finds the one who has an address: {address}, {user} and {domain} stand for it and its parts. Without it whoever has the address in mailAttribute or alternateAttributes. With "(|(mail={address})(uid={user}))" people can sign in without the domain.',
    '(&(objectClass=inetOrgPerson)(mail={address}))',
  ),
  mailAttribute: option(kinds.text, directoryDefaults.mailAttribute, 'The address that his account here is named by.'),
  alternateAttributes: option(
    kinds.list(kinds.text),
    directoryDefaults.alternateAttributes,
    'More addresses of his: mail to them is his, and he may send as them.',
  ),
  quotaAttribute: option(
    kinds.text,
    directoryDefaults.quotaAttribute,
    'How much he may keep: bytes, or a number with K, M, G or T. Where it is missing the account keeps what "pennypost account" says.',
    'mailQuota',
  ),
  disabledFilter: option(
    kinds.text,
    directoryDefaults.disabledFilter,
    'Fits those who are shut out: no sign-in, no mail. What they have stays.',
    '(pwdAccountLockedTime=*)',
  ),
  aliasFilter: option(
    kinds.text,
    directoryDefaults.aliasFilter,
    'Finds what leads elsewhere: aliases and groups. Without it there are none but those of "pennypost alias".',
    '(&(objectClass=nisMailAlias)(cn={user}))',
  ),
  aliasAttributes: option(
    kinds.list(kinds.text),
    directoryDefaults.aliasAttributes,
    'Where it leads: addresses, of its own domain where they have none.',
  ),
  memberAttributes: option(
    kinds.list(kinds.text),
    directoryDefaults.memberAttributes,
    "The same as names of entries, as a group's members: each has the mail in its mailAttribute.",
    ['member'],
  ),
  storePasswords: option(
    kinds.flag,
    directoryDefaults.storePasswords,
    "Accounts with a password in the store are the store's own, whatever the directory says: an administrator can get in while it is away. false: only the directory counts, as when everybody has moved there.",
  ),
  scram: option(
    kinds.flag,
    directoryDefaults.scram,
    'Offers SCRAM, for accounts with a password in the store. A directory has no keys for it, and programs that take the strongest offer would fail for its people.',
  ),
  bindsMax: option(
    kinds.count(1, 1000),
    directoryDefaults.bindsMax,
    'Passwords checked there at a time, each on a connection of its own; more take turns. A directory serves others too.',
  ),
  connectTimeoutMs: option(
    kinds.duration,
    directoryDefaults.connectTimeoutMs,
    'A server that has not answered by then, TLS included, is passed over for the next.',
  ),
  timeoutMs: option(
    kinds.duration,
    directoryDefaults.timeoutMs,
    'For an answer. Beyond it senders and users are told to try again: they would not wait much longer.',
  ),
  foundKeptMs: option(
    kinds.duration,
    directoryDefaults.foundKeptMs,
    'How long an entry is used without asking again: so late we hear that somebody has gone, or has another password.',
  ),
  unknownKeptMs: option(
    kinds.duration,
    directoryDefaults.unknownKeptMs,
    'The same of an address that nobody has. Short, for people who have just been entered.',
  ),
  verifiedKeptMs: option(
    kinds.duration,
    directoryDefaults.verifiedKeptMs,
    'How long a password that was right is taken without asking again, while the entry stays as it is: programs sign in again and again.',
  ),
} satisfies Record<keyof DirectoryOptions, unknown>

export const limitsOptions = {
  connectionsMax: option(
    kinds.count(1, 1_000_000),
    20_000,
    'Connections of all listeners together. An idle one costs some kilobytes; the process needs as many file handles.',
  ),
  connectionsPerAddressMax: option(
    kinds.count(1, 1_000_000),
    1000,
    'The same from one address: an office behind one address fits, and one host cannot take every place.',
  ),
  shutdownGraceMs: option(
    kinds.duration,
    8000,
    'What is under way may end within this time when we are told to stop. Container runtimes kill after 10 s.',
  ),
} satisfies { [K in keyof Config['limits']]: Option<Config['limits'][K]> }

function subaddress(): Kind<string> {
  return {
    words: 'a short text, "" for none',
    read(value) {
      const delimiter = kinds.text.read(value)
      if (delimiter.length > 8 || /[@\s"<>]/.test(delimiter))
        throw new kinds.ValueFault('must be at most 8 characters, none of them @, quotes or space')
      return delimiter
    },
    format: (value) => JSON.stringify(value),
  }
}

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
    'Mail to others that shall not go to their MX hosts: a relay, a neighbour, everything to a smarthost.',
    true,
  ),
  section('transfer', transferOptions, 'Mail on its way: what is taken, and how long and how often it is tried.'),
  section('authenticity', authenticityOptions, 'Who really sent a message: what is asked, and what follows.'),
  section('log', logOptions, 'Events: one line each, never a secret, never a message.'),
  section('pop3', pop3Options, 'POP3: one maildrop, one session.'),
  section('auth', authOptions, 'How people sign in, and what happens to those who guess.'),
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
