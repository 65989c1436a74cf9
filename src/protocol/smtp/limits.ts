/** What an SMTP server's peer may ask of it, each with its reason. */

/** RFC 5321 §4.5.3.2.7: at least five minutes between commands. */
export const idleTimeoutMs = 300_000
/** Before EHLO nobody has a reason to think long; a scanner holds a socket no longer than this. */
export const greetingTimeoutMs = 60_000
/** Commands that fail, after which a client is either broken or guessing. */
export const badCommandsMax = 20
/** Sign-ins that fail on one connection. */
export const authFailuresMax = 3
/** RFC 4954 §4: a base64 line of SASL. */
export const saslLineBytesMax = 12_288
/** What may wait unread behind the command that is being answered. */
export const heldBytesMax = 1024 * 1024
