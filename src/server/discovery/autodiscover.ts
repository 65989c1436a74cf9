/** Settings for Outlook: Autodiscover version 1, the "plain old XML" of [MS-OXDSCLI], posted to /autodiscover/autodiscover.xml. */
import { xml, type Offer } from './settings.ts'

const responseNamespace = 'http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006'
const settingsNamespace = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a'

const types = { imap: 'IMAP', pop3: 'POP3', submission: 'SMTP' } as const

/** The address that a request asks for; undefined when it names none. Only this one element matters, so no XML parser reads what strangers post. */
export function requestedAddress(body: string): string | undefined {
  const match = /<(?:\w+:)?EMailAddress>\s*([^<\s]{3,320})\s*<\//i.exec(body)
  return match?.[1]!.replace(/&amp;/g, '&')
}

/** @param offers the best of each role first; Outlook takes one of each. */
export function autodiscoverXml(address: string, offers: readonly Offer[]): string {
  const best = (['imap', 'pop3', 'submission'] as const).flatMap(
    (role) => offers.find((one) => one.role === role) ?? [],
  )
  const protocols = best.map(({ role, hostname, port, tls }) => {
    const outgoing =
      role === 'submission' ? '\n        <UsePOPAuth>on</UsePOPAuth>\n        <SMTPLast>off</SMTPLast>' : ''
    return `      <Protocol>
        <Type>${types[role]}</Type>
        <Server>${xml(hostname)}</Server>
        <Port>${port}</Port>
        <LoginName>${xml(address)}</LoginName>
        <DomainRequired>off</DomainRequired>
        <SPA>off</SPA>
        <SSL>${tls === 'none' ? 'off' : 'on'}</SSL>
        <Encryption>${tls === 'implicit' ? 'SSL' : tls === 'starttls' ? 'TLS' : 'None'}</Encryption>
        <AuthRequired>on</AuthRequired>${outgoing}
      </Protocol>
`
  })
  return `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="${responseNamespace}">
  <Response xmlns="${settingsNamespace}">
    <User>
      <DisplayName>${xml(address)}</DisplayName>
    </User>
    <Account>
      <AccountType>email</AccountType>
      <Action>settings</Action>
${protocols.join('')}    </Account>
  </Response>
</Autodiscover>
`
}

/** Code 600 is an invalid request, 601 that nothing is known of the address. */
export function autodiscoverFault(code: 600 | 601, nowMs: number): string {
  const message = code === 600 ? 'Invalid Request' : 'Provider is not available'
  return `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="${responseNamespace}">
  <Response>
    <Error Time="${new Date(nowMs).toISOString().slice(11, 19)}" Id="1">
      <ErrorCode>${code}</ErrorCode>
      <Message>${message}</Message>
      <DebugData />
    </Error>
  </Response>
</Autodiscover>
`
}
