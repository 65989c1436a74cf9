/** POP3's unique ids of messages that brought none along. RFC 1939 §7. */

/** The same for as long as the message keeps its place: a mailbox never gives a UID twice within a UIDVALIDITY. */
export function derivedUidl(uidValidity: number, uid: number): string {
  return `${uidValidity.toString(16)}.${uid.toString(16)}`
}
