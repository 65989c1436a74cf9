/** The one spelling of a mailbox's name: NFC, with INBOX in capitals also as a first level. RFC 3501 §5.1, RFC 9051 §5.1. */
export function canonicalMailboxName(text: string): string {
  return (/^inbox(?:$|\/)/i.test(text) ? `INBOX${text.slice(5)}` : text).normalize('NFC')
}
