/** Settings for Outlook: Autodiscover version 1, the "plain old XML" of [MS-OXDSCLI], posted to /autodiscover/autodiscover.xml. */
import { xml, type Offer } from './settings.ts'

const responseNamespace = 'http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006'
const settingsNamespace = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a'

const types = { imap: 'IMAP', pop3: 'POP3', submission: 'SMTP' } as const

/**
 * The address in a request; undefined if there is none. Only this element is needed, so no XML parser runs on
 * unauthenticated input.
 */
export function requestedAddress(body: string): string | undefined {
  const match = /<(?:\w+:)?EMailAddress>\s*([^<\s]{3,320})\s*<\//i.exec(body)
  return match?.[1]!.replace(/&amp;/g, '&')
}

/**
 * Whether the response may use Outlook's schema, which is also the default. Phones ask for mobilesync's. [MS-ASCMD]
 * §2.2.3.1.
 */
export function takesOutlookSchema(body: string): boolean {
  const named = [...body.matchAll(/<(?:\w{1,64}:)?AcceptableResponseSchema>\s*([^<\s]{1,320})/gi)].map(
    ([, schema]) => schema,
  )
  return named.length === 0 || named.includes(settingsNamespace)
}

/** The text of a request: UTF-8, or UTF-16 by its byte order mark or its first character. XML 1.0 appendix F. */
export function requestText(bytes: Uint8Array): string {
  const [first, second] = bytes
  const isLittle = (first === 0xff && second === 0xfe) || (first === 0x3c && second === 0)
  const isBig = (first === 0xfe && second === 0xff) || (first === 0 && second === 0x3c)
  if (!isLittle && !isBig) return Buffer.from(bytes).toString('utf8')
  const even = Buffer.from(bytes.subarray(0, bytes.length & ~1))
  return (isBig ? even.swap16() : even).toString('utf16le')
}

/** @param offers best first within each role; Outlook takes one of each. */
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

export type AutodiscoverFault = 'invalid' | 'unknownAddress' | 'unknownSchema'

/** [MS-OXDSCLI] §2.2.4.1.1.2, [MS-ASCMD] §2.2.3.61: 600 is an invalid request, 601 one without an answer here. */
const faults = {
  invalid: [600, 'Invalid Request'],
  unknownAddress: [601, 'Provider is not available'],
  unknownSchema: [601, 'Requested schema version not supported'],
} as const

export function autodiscoverFault(fault: AutodiscoverFault, nowMs: number): string {
  const [code, message] = faults[fault]
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
