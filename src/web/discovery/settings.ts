/**
 * The services that mail programs can use, derived from the listeners; the other files here format them for each
 * program. RFC 6186, RFC 8314.
 */

export type Role = 'imap' | 'pop3' | 'submission'

export interface Offer {
  readonly role: Role
  readonly hostname: string
  readonly port: number
  /** 'implicit' is preferred by RFC 8314 §3. 'none' only where an operator allowed it on loopback. */
  readonly tls: 'implicit' | 'starttls' | 'none'
}

/** The needed properties of a listener. */
export interface Reachable {
  readonly service: string
  readonly tls: Offer['tls']
  readonly plaintextAuth: boolean
  /** The port as seen from outside. */
  readonly publicPort: number
}

const roles: Readonly<Record<string, Role>> = {
  imaps: 'imap',
  imap: 'imap',
  pop3s: 'pop3',
  pop3: 'pop3',
  submissions: 'submission',
  submission: 'submission',
}
const tlsOrder = { implicit: 0, starttls: 1, none: 2 } as const
const roleOrder = { imap: 0, pop3: 1, submission: 2 } as const

/** Best first within each role; listeners that look the same from outside are listed once. */
export function offersOf(hostname: string, listeners: readonly Reachable[]): Offer[] {
  const offers = listeners.flatMap(({ service, tls, publicPort, plaintextAuth }): Offer[] => {
    const role = roles[service]
    return role && (tls !== 'none' || plaintextAuth) ? [{ role, hostname, port: publicPort, tls }] : []
  })
  const seen = new Set<string>()
  return offers
    .sort((a, b) => roleOrder[a.role] - roleOrder[b.role] || tlsOrder[a.tls] - tlsOrder[b.tls])
    .filter(({ role, tls, port }) => {
      const key = `${role} ${tls} ${port}`
      if (seen.has(key)) return false
      seen.add(key)
      return true
    })
}

/** Escapes text for XML content and attributes. */
export function xml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
