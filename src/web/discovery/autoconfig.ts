/** Settings for Thunderbird, K-9, Evolution and others: config-v1.1.xml, fetched from autoconfig.DOMAIN or DOMAIN/.well-known/autoconfig. */
import { xml, type Offer } from './settings.ts'

const socketTypes = { implicit: 'SSL', starttls: 'STARTTLS', none: 'plain' } as const

export function autoconfigXml(domain: string, offers: readonly Offer[]): string {
  const servers = offers.map(({ role, hostname, port, tls }) => {
    const tag = role === 'submission' ? 'outgoingServer' : 'incomingServer'
    return `    <${tag} type="${role === 'submission' ? 'smtp' : role}">
      <hostname>${xml(hostname)}</hostname>
      <port>${port}</port>
      <socketType>${socketTypes[tls]}</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </${tag}>
`
  })
  return `<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="${xml(domain)}">
    <domain>${xml(domain)}</domain>
    <displayName>${xml(domain)}</displayName>
    <displayShortName>${xml(domain)}</displayShortName>
${servers.join('')}  </emailProvider>
</clientConfig>
`
}
