/** What an SMTP server's peer may ask of it, each with its reason; what operators may wish otherwise is in policy.ts. */

/** RFC 5321 §4.5.3.2.7: at least five minutes between commands. */
export const idleTimeoutMs = 300_000
/** Before EHLO no client has a reason to wait; a scanner holds a socket no longer than this. */
export const greetingTimeoutMs = 60_000
/** A message that takes longer is kept coming byte by byte to hold us: 50 MB in this time is a modem's pace. */
export const bodyTimeMaxMs = 4 * 3_600_000
/** Sign-ins that fail on one connection. */
export const authFailuresMax = 3
/** RFC 4954 §4: a base64 line of SASL. */
export const saslLineBytesMax = 12_288
/** What may wait unread behind the command that is being answered. */
export const heldBytesMax = 1024 * 1024
/** NOOP, RSET, VRFY and their like between two messages. */
export const idleCommandsMax = 100
/** The longest that an answer to a fault is held back: clients wait minutes (RFC 5321 §4.5.3.2), but it is our connection too. */
export const tarpitDelayMaxMs = 10_000
