/** A configuration profile for Apple's Mail (iOS, macOS): payload com.apple.mail.managed. The device asks for the password itself. */
import { createHash } from 'node:crypto'
import { xml, type Offer } from './settings.ts'

type Value = string | number | boolean | Plist | readonly Plist[]
interface Plist {
  readonly [key: string]: Value
}

/** @returns undefined if there is no service to read mail, or none to send it. */
export function mobileconfig(address: string, domain: string, offers: readonly Offer[]): string | undefined {
  const incoming = offers.find(({ role }) => role === 'imap') ?? offers.find(({ role }) => role === 'pop3')
  const outgoing = offers.find(({ role }) => role === 'submission')
  if (!incoming || !outgoing) return undefined
  const name = `${domain.split('.').reverse().join('.')}.pennypost.${uuid(address).slice(0, 8)}`
  const account: Plist = {
    EmailAccountDescription: address,
    EmailAccountType: incoming.role === 'imap' ? 'EmailTypeIMAP' : 'EmailTypePOP',
    EmailAddress: address,
    IncomingMailServerAuthentication: 'EmailAuthPassword',
    IncomingMailServerHostName: incoming.hostname,
    IncomingMailServerPortNumber: incoming.port,
    IncomingMailServerUseSSL: incoming.tls !== 'none',
    IncomingMailServerUsername: address,
    OutgoingMailServerAuthentication: 'EmailAuthPassword',
    OutgoingMailServerHostName: outgoing.hostname,
    OutgoingMailServerPortNumber: outgoing.port,
    OutgoingMailServerUseSSL: outgoing.tls !== 'none',
    OutgoingMailServerUsername: address,
    OutgoingPasswordSameAsIncomingPassword: true,
    PayloadDescription: `Mail account ${address}`,
    PayloadDisplayName: address,
    PayloadIdentifier: `${name}.mail`,
    PayloadType: 'com.apple.mail.managed',
    PayloadUUID: uuid(`${address} mail`),
    PayloadVersion: 1,
  }
  const profile: Plist = {
    PayloadContent: [account],
    PayloadDescription: `Sets up the mail account ${address}`,
    PayloadDisplayName: `Mail ${address}`,
    PayloadIdentifier: name,
    PayloadOrganization: domain,
    PayloadRemovalDisallowed: false,
    PayloadType: 'Configuration',
    PayloadUUID: uuid(address),
    PayloadVersion: 1,
  }
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
${plist(profile)}
</plist>
`
}

function plist(value: Value): string {
  if (typeof value === 'string') return `<string>${xml(value)}</string>`
  if (typeof value === 'number') return `<integer>${value}</integer>`
  if (typeof value === 'boolean') return value ? '<true/>' : '<false/>'
  if (Array.isArray(value)) return `<array>\n${(value as readonly Plist[]).map(plist).join('\n')}\n</array>`
  const entries = Object.entries(value as Plist).map(([key, one]) => `<key>${xml(key)}</key>\n${plist(one)}`)
  return `<dict>\n${entries.join('\n')}\n</dict>`
}

/**
 * The same UUID for the same account, so that a reinstalled profile replaces the old one. RFC 9562 §5.8 (version 8: by
 * a rule of our own).
 */
function uuid(text: string): string {
  const hex = createHash('sha256').update(`pennypost ${text}`).digest('hex')
  const variant = ((Number.parseInt(hex[16]!, 16) & 3) | 8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`.toUpperCase()
}
