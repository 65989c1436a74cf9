/** A directory elsewhere, as it is asked: look-ups as one who may read, and whether a name has a password. The platform has the client. RFC 4511. */

export interface LdapPlace {
  /** `ldap:` or `ldaps:` with a host and perhaps a port; the first that answers is used. */
  readonly urls: readonly string[]
  /** STARTTLS before anything else at `ldap:` (RFC 4511 §4.14); a server without it is not used. */
  readonly startTls: boolean
  /** PEM of the authorities that its certificate may come from; undefined: the usual ones. */
  readonly ca: string | undefined
  /** Who looks up; '' for nobody in particular. */
  readonly bindDn: string
  readonly bindPassword: string
  readonly connectTimeoutMs: number
  /** For one answer. */
  readonly timeoutMs: number
}

export interface LdapQuestion {
  readonly base: string
  /** 'sub': the base and all below it; 'base': that entry alone. */
  readonly scope: 'sub' | 'base'
  /** RFC 4515. */
  readonly filter: string
  readonly attributes: readonly string[]
  /** No more are answered. */
  readonly entriesMax: number
}

export interface LdapEntry {
  readonly dn: string
  /** Values by attribute, lower case; those that were asked for and are there. */
  readonly values: ReadonlyMap<string, readonly string[]>
}

export interface LdapServer {
  /** Throws when there is no answer, or one that is none: empty always means that there is nothing. */
  search(question: LdapQuestion): Promise<readonly LdapEntry[]>
  /** Whether the entry has that password, which is never empty: a bind without one succeeds for anybody (RFC 4513 §5.1.2). Throws when it cannot be told. */
  bind(dn: string, password: string): Promise<boolean>
  close(): void
}

/** Connects when first asked, and again when it has to. */
export type OpenLdap = (place: LdapPlace) => LdapServer
