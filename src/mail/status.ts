/** Reply codes with their enhanced codes and public words. RFC 5321 §4.2, RFC 3463, RFC 5248. */

/** A reply for a refusal or failure: the SMTP code, the enhanced code, and a text that is safe to show to any client. */
export interface Status {
  readonly code: number
  readonly enhanced: string
  readonly text: string
}

function row(code: number, enhanced: string, text: string): Status {
  return { code, enhanced, text }
}

export const status = {
  serviceClosing: row(421, '4.3.2', 'Service shutting down, try again later'),
  tooManyConnections: row(421, '4.7.0', 'Too many connections, try again later'),
  timeout: row(421, '4.4.2', 'Timeout, closing connection'),
  localError: row(451, '4.3.0', 'Local error, try again later'),
  directoryUnreachable: row(451, '4.4.3', 'Addresses cannot be looked up now, try again later'),
  aliasTooWide: row(451, '4.3.5', 'Alias expands to too many addresses'),
  storeFull: row(452, '4.3.1', 'Insufficient system storage'),
  mailboxFull: row(452, '4.2.2', 'Mailbox is full'),
  tooManyRecipients: row(452, '4.5.3', 'Too many recipients, send the rest in another transaction'),
  tooManyMessages: row(450, '4.7.1', 'Too many messages from your network, try again later'),
  tooManyRecipientsOfLate: row(450, '4.7.1', 'Too many recipients from your network, try again later'),
  mailboxUnknown: row(550, '5.1.1', 'No such user here'),
  accountDisabled: row(550, '5.2.1', 'Account is disabled'),
  relayDenied: row(550, '5.7.1', 'Relaying denied'),
  senderNotYours: row(550, '5.7.1', 'This account may not send from that address'),
  messageTooLarge: row(552, '5.3.4', 'Message exceeds the size limit'),
  headerTooLarge: row(552, '5.3.4', 'Header exceeds the limits for length, fields or addresses'),
  fromUnclear: row(550, '5.6.0', 'From is not one valid field (RFC 5322), and a domain in it has a DMARC policy'),
  fromNotLookedUp: row(451, '4.7.0', 'A domain in From cannot be looked up now (DMARC), try again later'),
  senderSyntax: row(501, '5.1.7', 'Sender address is not valid'),
  recipientSyntax: row(501, '5.1.3', 'Recipient address is not valid'),
  bareNewline: row(554, '5.6.0', 'Message has a bare carriage return or line feed (RFC 5321 2.3.8)'),
  tooManyHops: row(554, '5.4.6', 'Too many hops: mail loop'),
  forwardingLoop: row(554, '5.4.6', 'Mail forwarding loop: the message has passed this address before'),
  authRequired: row(530, '5.7.0', 'Authentication required'),
  encryptionRequired: row(538, '5.7.11', 'Encryption required: use STARTTLS first'),
  authFailed: row(535, '5.7.8', 'Authentication credentials invalid'),
  actingAsOther: row(535, '5.7.8', 'You may only act as yourself'),
  authUnavailable: row(454, '4.7.0', 'Temporary authentication failure'),
} as const satisfies Record<string, Status>

/** A request that is refused. Each protocol's session.ts turns it into a reply. The cause goes only to the log. */
export class Refusal extends Error {
  readonly status: Status
  constructor(why: Status, options?: { readonly cause?: unknown }) {
    super(why.text, options)
    this.name = 'Refusal'
    this.status = why
  }
}
