/**
 * The interface to an LDAP directory: searches with the server's own bind, and checks of passwords. The platform has the client. RFC 4511.
 */

export interface LdapPlace {
  /** `ldap:` or `ldaps:` URLs with a host and optionally a port; the first that answers is used. */
  readonly urls: readonly string[]
  /** STARTTLS before anything else at `ldap:` (RFC 4511 §4.14); a server without it is not used. */
  readonly startTls: boolean
  /** PEM of the authorities for its certificate; undefined: the well-known ones. */
  readonly ca: string | undefined
  /** The DN to bind as for searches; '' for an anonymous bind. */
  readonly bindDn: string
  readonly bindPassword: string
  readonly connectTimeoutMs: number
  /** Time limit for each answer. */
  readonly timeoutMs: number
}

export interface LdapQuestion {
  readonly base: string
  /** 'sub': the base and all below it; 'base': that entry alone. */
  readonly scope: 'sub' | 'base'
  /** RFC 4515. */
  readonly filter: string
  readonly attributes: readonly string[]
  /** Further entries are left out. */
  readonly entriesMax: number
}

export interface LdapEntry {
  readonly dn: string
  /** Values by attribute name in lower case; only requested attributes that exist. */
  readonly values: ReadonlyMap<string, readonly string[]>
}

export interface LdapServer {
  /** Throws without a valid answer, so that an empty list always means that there are no such entries. */
  search(question: LdapQuestion): Promise<readonly LdapEntry[]>
  /**
   * Whether the entry has that password. Never called with an empty one: such a bind always succeeds (RFC 4513 §5.1.2). Throws without an
   * answer.
   */
  bind(dn: string, password: string): Promise<boolean>
  close(): void
}

/** Connects at the first request, and again when the connection was lost. */
export type OpenLdap = (place: LdapPlace) => LdapServer
