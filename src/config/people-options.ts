/** Keys of the configuration file about people: how they sign in, and where they are known. */
import { authDefaults, oauthDefaults, type AuthOptions, type OAuthOptions } from '../directory/options.ts'
import { directoryDefaults, type DirectoryOptions } from '../directory/directory-options.ts'
import * as kinds from '../base/options/kinds.ts'
import { formerly, option } from '../base/options/option.ts'

export const authOptions = {
  clientCertificates: option(
    kinds.path,
    authDefaults.clientCertificates,
    'Certificate authorities (PEM) for client certificates (EXTERNAL): the mail address in the certificate is the account. Default: clients are not asked for a certificate.',
    '/etc/pennypost/clients-ca.pem',
  ),
  scramSha1: option(
    kinds.flag,
    authDefaults.scramSha1,
    'Also offers SCRAM-SHA-1, for old clients. Its keys are made when a password is set: accounts whose password was set while this was off cannot use it.',
  ),
  scramPlus: option(
    kinds.flag,
    authDefaults.scramPlus,
    'Offers SCRAM-SHA-256-PLUS, which detects a man in the middle by channel binding (RFC 5802 §6). Off by default, since programs built on libgsasl (mutt and neomutt of Debian) select it, cannot bind, and then fail to sign in.',
  ),
  failuresFree: option(
    kinds.count(1, 1000),
    authDefaults.failuresFree,
    'Different wrong passwords that an account may get from one address before it has to wait, twice as long each time. Repeating the same one does not count.',
  ),
  delayMaxMs: option(
    kinds.duration,
    authDefaults.delayMaxMs,
    'The longest such wait. At one minute, 1,440 guesses a day are too few for any good password, and a forgetful owner can soon try again.',
  ),
  trustMs: option(
    kinds.span,
    authDefaults.trustMs,
    "How long an address counts as the account's own after a successful sign-in. Failures from other addresses, or on other accounts, then do not slow the account down there.",
  ),
  accountsPerAddressMax: option(
    kinds.count(1, 100_000),
    authDefaults.accountsPerAddressMax,
    'Accounts that may fail from one address within an hour. Beyond it the address is taken to try a list of names, and is refused unless most of its sign-ins succeed.',
  ),
} satisfies Record<keyof AuthOptions, unknown>

export const oauthOptions = {
  issuer: option(
    kinds.text,
    oauthDefaults.issuer,
    'The issuer whose tokens are accepted, exactly as the tokens name it.',
    'https://login.example.org',
  ),
  audience: option(
    kinds.text,
    oauthDefaults.audience,
    'The audience that tokens must name. Without it, a token for any other service of the issuer would be accepted.',
    'pennypost',
  ),
  jwks: option(
    kinds.text,
    oauthDefaults.jwks,
    "The issuer's keys, as a URL or path; tokens are verified locally with them.",
    'https://login.example.org/jwks.json',
  ),
  introspection: option(
    kinds.text,
    oauthDefaults.introspection,
    'Instead of jwks: the URL at which each token is checked with the issuer (RFC 7662). Slower, but tokens can be revoked.',
    'https://login.example.org/introspect',
  ),
  clientId: option(kinds.text, oauthDefaults.clientId, 'The client id for introspection.', 'pennypost'),
  clientSecretFile: option(
    kinds.path,
    oauthDefaults.clientSecretFile,
    'A file whose first line is the client secret for introspection.',
    './oauth-secret',
  ),
  claim: option(
    kinds.text,
    oauthDefaults.claim,
    'The claim that holds the account name. An email that the issuer marks as not verified is not accepted.',
  ),
  scope: option(
    kinds.text,
    oauthDefaults.scope,
    'A scope that tokens must have; clients are told to request it.',
    'mail',
  ),
} satisfies Record<keyof OAuthOptions, unknown>

export const directoryOptions = {
  source: option(
    kinds.choice('store', 'ldap'),
    directoryDefaults.source,
    'Where users come from. "store": accounts created with "pennypost account add". "ldap": also users of an LDAP directory, which checks their passwords; their mail is stored here, in accounts that are created when first needed.',
  ),
  urls: option(
    kinds.list(kinds.text),
    directoryDefaults.urls,
    'With "ldap": the servers, as "ldaps://host" or "ldap://host", with a port if it is not the standard one. The first that answers is used.',
    ['ldaps://ldap.example.org'],
  ),
  startTls: option(
    kinds.flag,
    directoryDefaults.startTls,
    'Uses STARTTLS on ldap:// before anything else, since passwords are sent. Set it to false only for a server on this machine.',
  ),
  ca: option(
    kinds.path,
    directoryDefaults.ca,
    "Certificate authorities (PEM) for the directory's certificate. Default: the well-known ones, which seldom issue such certificates.",
    '/etc/ssl/certs/our-ca.pem',
  ),
  bindDn: option(
    kinds.text,
    directoryDefaults.bindDn,
    'The DN to bind as for look-ups. Default: anonymous bind, if the server allows it.',
    'cn=mail,dc=example,dc=org',
  ),
  passwordFile: option(
    kinds.path,
    directoryDefaults.passwordFile,
    'A file whose first line is the password of bindDn.',
    './ldap-password',
  ),
  base: option(kinds.text, directoryDefaults.base, 'The base DN for users and aliases.', 'dc=example,dc=org'),
  userFilter: option(
    kinds.text,
    directoryDefaults.userFilter,
    'The filter that finds the user of an address: {address}, {user} and {domain} stand for the address and its parts. Default: entries with the address in mailAttribute or alternateAttributes. With "(|(mail={address})(uid={user}))" users can sign in without the domain.',
    '(&(objectClass=inetOrgPerson)(mail={address}))',
  ),
  mailAttribute: option(
    kinds.text,
    directoryDefaults.mailAttribute,
    "The attribute whose address names the user's account here.",
  ),
  alternateAttributes: option(
    kinds.list(kinds.text),
    directoryDefaults.alternateAttributes,
    'Attributes with further addresses of a user, who receives mail for them and may send from them.',
  ),
  quotaAttribute: option(
    kinds.text,
    directoryDefaults.quotaAttribute,
    'The attribute with the quota: bytes, or a number with K, M, G or T. Entries without it keep the quota set with "pennypost account".',
    'mailQuota',
  ),
  disabledFilter: option(
    kinds.text,
    directoryDefaults.disabledFilter,
    'The filter for disabled users: they cannot sign in and receive no mail. Their stored mail is kept.',
    '(pwdAccountLockedTime=*)',
  ),
  aliasFilter: option(
    kinds.text,
    directoryDefaults.aliasFilter,
    'The filter that finds aliases and groups. Default: only the aliases of "pennypost alias".',
    '(&(objectClass=nisMailAlias)(cn={user}))',
  ),
  aliasAttributes: option(
    kinds.list(kinds.text),
    directoryDefaults.aliasAttributes,
    "Attributes with the targets of an alias: addresses, completed with the alias's own domain if they have none.",
  ),
  memberAttributes: option(
    kinds.list(kinds.text),
    directoryDefaults.memberAttributes,
    "Attributes with the targets of an alias as DNs, such as a group's members; each target is the mailAttribute of that entry.",
    ['member'],
  ),
  storePasswords: option(
    kinds.flag,
    directoryDefaults.storePasswords,
    'Accounts with a password in the store sign in with it, whatever the directory says, so that an administrator can sign in while the directory is down. false: only the directory counts.',
  ),
  scram: option(
    kinds.flag,
    directoryDefaults.scram,
    'Offers SCRAM to accounts with a password in the store. A directory has no keys for it, and programs that choose the strongest mechanism would fail for its users.',
  ),
  bindsMax: option(
    kinds.count(1, 1000),
    directoryDefaults.bindsMax,
    'Maximum number of concurrent password checks, each on its own connection; others wait. The directory has other clients too.',
  ),
  connectTimeoutMs: option(
    kinds.duration,
    directoryDefaults.connectTimeoutMs,
    'Time for a server to answer a connection, TLS included, before the next one is tried.',
  ),
  timeoutMs: option(
    kinds.duration,
    directoryDefaults.timeoutMs,
    'Time for an answer. Beyond it, senders and users get a temporary error, since they would not wait much longer.',
  ),
  cacheTtlMs: formerly(
    'foundKeptMs',
    option(
      kinds.duration,
      directoryDefaults.cacheTtlMs,
      'How long a found entry is cached. A removed user, or a changed password, is noticed after this time.',
    ),
  ),
  negativeCacheTtlMs: formerly(
    'unknownKeptMs',
    option(
      kinds.duration,
      directoryDefaults.negativeCacheTtlMs,
      'How long an unknown address is cached. Short, for users who have just been added.',
    ),
  ),
  passwordCacheTtlMs: formerly(
    'verifiedKeptMs',
    option(
      kinds.duration,
      directoryDefaults.passwordCacheTtlMs,
      'How long a verified password is accepted without asking again, while the entry is unchanged; programs sign in very often.',
    ),
  ),
  recheckMs: option(
    kinds.duration,
    directoryDefaults.recheckMs,
    'How often the directory is asked about signed-in accounts. A session ends when its account is removed or disabled there. Sessions of accounts of the store end within a second without this.',
  ),
} satisfies Record<keyof DirectoryOptions, unknown>
