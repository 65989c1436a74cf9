/** Keys of the configuration file about people: how they sign in, and where they are known. */
import { authDefaults, oauthDefaults, type AuthOptions, type OAuthOptions } from '../accounts/options.ts'
import { directoryDefaults, type DirectoryOptions } from '../accounts/directory-options.ts'
import * as kinds from './kinds.ts'
import { option } from './option.ts'

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
  recheckMs: option(
    kinds.duration,
    directoryDefaults.recheckMs,
    'How often the directory is asked about the accounts that are signed in: a session ends when its account is gone or disabled there. Accounts of our own need no question; their sessions end within a second.',
  ),
} satisfies Record<keyof DirectoryOptions, unknown>
