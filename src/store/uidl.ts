/** POP3's unique ids of messages that brought none along. RFC 1939 §7. */
import type { Uid } from '../mail/ids.ts'

/** The same for as long as the message keeps its place: a mailbox never gives a UID twice within a UIDVALIDITY. */
export function derivedUidl(uidValidity: number, uid: Uid): string {
  return `${uidValidity.toString(16)}.${uid.toString(16)}`
}
