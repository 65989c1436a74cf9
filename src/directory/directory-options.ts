/** What an operator may say about where users come from: `[directory]`. */
import * as kinds from '../base/options/kinds.ts'
import { defaultsOf, formerly, option, table, type ValuesOf } from '../base/options/option.ts'

export const directoryOptions = table({
  source: option(
    kinds.choice('store', 'ldap'),
    'store',
    'Where users come from. "store": accounts created with "pennypost account add". "ldap": also users of an LDAP directory, which checks their passwords; their mail is stored here, in accounts that are created when first needed.',
  ),
  urls: option(
    kinds.list(kinds.text),
    [],
    'With "ldap": the servers, as "ldaps://host" or "ldap://host", with a port if it is not the standard one. The first that answers is used.',
    ['ldaps://ldap.example.org'],
  ),
  startTls: option(
    kinds.flag,
    true,
    'Uses STARTTLS on ldap:// before anything else, since passwords are sent. Set it to false only for a server on this machine.',
  ),
  ca: option(
    kinds.path,
    undefined,
    "Certificate authorities (PEM) for the directory's certificate. Default: the well-known ones, which seldom issue such certificates.",
    '/etc/ssl/certs/our-ca.pem',
  ),
  bindDn: option(
    kinds.text,
    undefined,
    'The DN to bind as for look-ups. Default: anonymous bind, if the server allows it.',
    'cn=mail,dc=example,dc=org',
  ),
  passwordFile: option(kinds.path, undefined, 'A file whose first line is the password of bindDn.', './ldap-password'),
  base: option(kinds.text, undefined, 'The base DN for users and aliases.', 'dc=example,dc=org'),
  userFilter: option(
    kinds.text,
    undefined,
    'The filter that finds the user of an address: {address}, {user} and {domain} stand for the address and its parts. Default: entries with the address in mailAttribute or alternateAttributes. With "(|(mail={address})(uid={user}))" users can sign in without the domain.',
    '(&(objectClass=inetOrgPerson)(mail={address}))',
  ),
  mailAttribute: option(kinds.text, 'mail', "The attribute whose address names the user's account here."),
  alternateAttributes: option(
    kinds.list(kinds.text),
    ['mailAlternateAddress'],
    'Attributes with further addresses of a user, who receives mail for them and may send from them.',
  ),
  quotaAttribute: option(
    kinds.text,
    undefined,
    'The attribute with the quota: bytes, or a number with K, M, G or T. Entries without it keep the quota set with "pennypost account".',
    'mailQuota',
  ),
  disabledFilter: option(
    kinds.text,
    undefined,
    'The filter for disabled users: they cannot sign in and receive no mail. Their stored mail is kept.',
    '(pwdAccountLockedTime=*)',
  ),
  aliasFilter: option(
    kinds.text,
    undefined,
    'The filter that finds aliases and groups. Default: only the aliases of "pennypost alias".',
    '(&(objectClass=nisMailAlias)(cn={user}))',
  ),
  aliasAttributes: option(
    kinds.list(kinds.text),
    ['rfc822MailMember'],
    "Attributes with the targets of an alias: addresses, completed with the alias's own domain if they have none.",
  ),
  memberAttributes: option(
    kinds.list(kinds.text),
    [],
    "Attributes with the targets of an alias as DNs, such as a group's members; each target is the mailAttribute of that entry.",
    ['member'],
  ),
  storePasswords: option(
    kinds.flag,
    true,
    'Accounts with a password in the store sign in with it, whatever the directory says, so that an administrator can sign in while the directory is down. false: only the directory counts.',
  ),
  scram: option(
    kinds.flag,
    false,
    'Offers SCRAM to accounts with a password in the store. A directory has no keys for it, and programs that choose the strongest mechanism would fail for its users.',
  ),
  bindsMax: option(
    kinds.count(1, 1000),
    8,
    'Maximum number of concurrent password checks, each on its own connection; others wait. The directory has other clients too.',
  ),
  connectTimeoutMs: option(
    kinds.duration,
    5000,
    'Time for a server to answer a connection, TLS included, before the next one is tried.',
  ),
  timeoutMs: option(
    kinds.duration,
    10_000,
    'Time for an answer. Beyond it, senders and users get a temporary error, since they would not wait much longer.',
  ),
  cacheTtlMs: formerly(
    'foundKeptMs',
    option(
      kinds.duration,
      60_000,
      'How long a found entry is cached. A removed user, or a changed password, is noticed after this time.',
    ),
  ),
  negativeCacheTtlMs: formerly(
    'unknownKeptMs',
    option(kinds.duration, 20_000, 'How long an unknown address is cached. Short, for users who have just been added.'),
  ),
  passwordCacheTtlMs: formerly(
    'verifiedKeptMs',
    option(
      kinds.duration,
      300_000,
      'How long a verified password is accepted without asking again, while the entry is unchanged; programs sign in very often.',
    ),
  ),
  recheckMs: option(
    kinds.duration,
    300_000,
    'How often the directory is asked about signed-in accounts. A session ends when its account is removed or disabled there. Sessions of accounts of the store end within a second without this.',
  ),
})

export type DirectoryOptions = ValuesOf<typeof directoryOptions>
export const directoryDefaults: DirectoryOptions = defaultsOf(directoryOptions)
