/** Flags and keywords of a message, as IMAP names them. RFC 9051 §2.3.2. */

/** The system flags, in the order of their bits: bit 0 is \Answered. \Recent is the session's, not the message's. */
export const systemFlags = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft'] as const

export const answeredBit = 1
export const flaggedBit = 2
export const deletedBit = 4
export const seenBit = 8
export const draftBit = 16

/**
 * Keywords that every account has from the start, so that common clients never meet the keyword limit.
 * RFC 5788 registry; $Junk and NonJunk are what Apple Mail and Thunderbird write. Their bits follow the system flags'.
 */
export const wellKnownKeywords = [
  '$Forwarded',
  '$MDNSent',
  '$Junk',
  '$NotJunk',
  '$Phishing',
  '$Important',
  '$Submitted',
  '$SubmitPending',
  'Junk',
  'NonJunk',
  '$label1',
  '$label2',
  '$label3',
  '$label4',
  '$label5',
] as const

/** Bits of one flag word. 31 keeps each word a small integer for the engine; two words make up a message's flags. */
export const flagWordBits = 31

/** System flags and keywords of one account. Two words of 31 bits; a client that wants more is told NO [LIMIT]. */
export const flagsMax = 2 * flagWordBits

/** The flags of a message: bits 0–30 in `low`, 31–61 in `high`, named by the account's list of flag names. */
export interface FlagBits {
  readonly low: number
  readonly high: number
}

/** What STORE does with the flags that it names. RFC 9051 §6.4.6. */
export type FlagMode = 'add' | 'remove' | 'replace'

/** One change of flags, of however many messages. */
export interface FlagEdit extends FlagBits {
  readonly mode: FlagMode
}

/** One of the two words of a message's flags after an edit; `bits` is the edit's word of the same place. */
export function editFlagWord(mode: FlagMode, word: number, bits: number): number {
  if (mode === 'add') return word | bits
  return mode === 'remove' ? word & ~bits : bits
}
