/** What an operator may say about where people are kept. */

export interface DirectoryOptions {
  readonly source: 'store' | 'ldap'
  readonly urls: readonly string[]
  readonly startTls: boolean
  readonly ca: string | undefined
  readonly bindDn: string | undefined
  readonly passwordFile: string | undefined
  readonly base: string | undefined
  /** undefined: one that finds `mailAttribute` and `alternateAttributes`. */
  readonly userFilter: string | undefined
  readonly mailAttribute: string
  readonly alternateAttributes: readonly string[]
  readonly quotaAttribute: string | undefined
  readonly disabledFilter: string | undefined
  readonly aliasFilter: string | undefined
  readonly aliasAttributes: readonly string[]
  readonly memberAttributes: readonly string[]
  readonly storePasswords: boolean
  readonly scram: boolean
  readonly bindsMax: number
  readonly connectTimeoutMs: number
  readonly timeoutMs: number
  readonly cacheTtlMs: number
  readonly negativeCacheTtlMs: number
  readonly passwordCacheTtlMs: number
  /** How often the directory is asked about those who are signed in. */
  readonly recheckMs: number
}

export const directoryDefaults: DirectoryOptions = {
  source: 'store',
  urls: [],
  startTls: true,
  ca: undefined,
  bindDn: undefined,
  passwordFile: undefined,
  base: undefined,
  userFilter: undefined,
  mailAttribute: 'mail',
  alternateAttributes: ['mailAlternateAddress'],
  quotaAttribute: undefined,
  disabledFilter: undefined,
  aliasFilter: undefined,
  aliasAttributes: ['rfc822MailMember'],
  memberAttributes: [],
  storePasswords: true,
  scram: false,
  bindsMax: 8,
  connectTimeoutMs: 5000,
  timeoutMs: 10_000,
  cacheTtlMs: 60_000,
  negativeCacheTtlMs: 20_000,
  passwordCacheTtlMs: 300_000,
  recheckMs: 300_000,
}
