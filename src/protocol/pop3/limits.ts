/** What a POP3 server's peer may ask of it, each with its reason. */

/** RFC 1939 §3: at least ten minutes. */
export const idleTimeoutMs = 600_000
/** Before a login no client has a reason to wait. */
export const loginTimeoutMs = 60_000
/** Commands that fail, after which a client is either broken or guessing. */
export const badCommandsMax = 20
export const authFailuresMax = 3
/** What may wait unread behind the command that is being answered. */
export const heldBytesMax = 1024 * 1024
