/** The bounds of an IMAP conversation, each with its reason. RFC 3501 sets none; RFC 2683 §3.2.1.5 speaks of lines. */

/** Text of a command without its literals: a sequence set of a client with ten thousand scattered messages fits. */
export const lineMaxBytes = 65_536
/** Before a login: an ID of 30 fields of 30 and 1,024 octets (RFC 2971 §3.3); SASL responses (Kerberos and OAuth tokens) are shorter. */
export const lineBeforeLoginMaxBytes = 32_768

/** A literal that is no message: a mailbox name, a password, a needle. RFC 7888 §5 takes 4096 for enough. */
export const literalMaxBytes = 16_384
export const literalBeforeLoginMaxBytes = 4096
/** Literals of a command: SEARCH for a list of addresses. */
export const literalsMax = 128
export const literalsBeforeLoginMax = 4
/** A command with all its literals, held in memory until it is complete. */
export const commandMaxBytes = 262_144

/** A non-synchronizing literal that is refused has to be swallowed; past this much we would rather hang up. RFC 7888 §4. */
export const swallowMaxBytes = 1_073_741_824

/** Messages of one MULTIAPPEND: their contents wait in the sink until all are there. RFC 3502. */
export const appendMessagesMax = 500

/** Commands in a row that were BAD: a client that does not speak IMAP, or one that guesses. */
export const badCommandsMax = 20
/** The same before a login: HTTP spoken at our port ends soon. */
export const badCommandsBeforeLoginMax = 5
/** Wrong passwords on a connection. The authenticator has delays of its own; this ends the conversation. */
export const loginFailuresMax = 5
/** Commands before a login: CAPABILITY, ID, STARTTLS, a few NOOPs and logins. */
export const commandsBeforeLoginMax = 100

/** SEARCH recurses through parentheses, OR and NOT. */
export const searchDepthMax = 50
/** Keys of a SEARCH: each is a pass over candidates. */
export const searchKeysMax = 1000
/** Items of a FETCH, sections included. */
export const fetchItemsMax = 200
/** Header field names in a section: `BODY[HEADER.FIELDS (…)]`. */
export const headerFieldsMax = 200
/** Flags in a list: more than an account can have names for. */
export const flagsInListMax = 128
/** A keyword is a column's worth of text. */
export const keywordMaxBytes = 250
/** Patterns of an extended LIST, and the length of all of them: matching costs their product with the names. RFC 5258 §3. */
export const listPatternsMax = 50
export const listPatternsMaxBytes = 2000
/** ID fields and their sizes. RFC 2971 §3.3. */
export const idFieldsMax = 30
export const idValueMaxBytes = 1024

/** Autologout. RFC 3501 §5.4: at least 30 minutes once signed in. */
export const idleTimeoutMs = 30 * 60_000
/** No client needs longer to sign in, and unauthenticated clients must not hold sockets. */
export const loginTimeoutMs = 3 * 60_000

/** Output is handed to the driver when so much was gathered. */
export const outputBytes = 65_536

/** FETCH answers kept for the next session that asks the same: some 40 bytes a message, so one for 400,000 messages, or 40 for 10,000 each. */
export const keptAnswersMaxBytes = 16 * 1024 * 1024

/** A message up to this size is read whole to find its parts; a larger one is parsed slice by slice. */
export const structureInMemoryMaxBytes = 8 * 1024 * 1024
