/** IMAP4rev2: a client that has enabled it is spoken to as RFC 9051 says. RFC 9051 Appendix A, E. */
import type { Conversation } from './command.ts'

/** The name in CAPABILITY, in ENABLE and in the set of what is on. */
export const rev2 = 'IMAP4REV2'

export function speaksRev2({ enabled }: Conversation): boolean {
  return enabled.has(rev2)
}
