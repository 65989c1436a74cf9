/** Kinds of clients, as checks tell them apart. */
import { isLoopback } from '../base/loopback.ts'
import type { SmtpClientFacts } from '../protocol/smtp/backend.ts'

/**
 * For whose mail a check speaks. `unauthenticated`: on port 25, not signed in, not from a trusted network or this
 * machine. `users`: signed in.
 */
export type SpeaksFor = 'unauthenticated' | 'users' | 'all'

export function speaksFor(kind: SpeaksFor, client: SmtpClientFacts): boolean {
  switch (kind) {
    case 'all':
      return true
    case 'users':
      return client.user !== null
    case 'unauthenticated':
      return isUnauthenticated(client)
  }
}

export function isUnauthenticated({ service, user, trusted, peer }: SmtpClientFacts): boolean {
  return service === 'smtp' && !user && !trusted && !isLoopback(peer.address)
}

/** Has signed in, or is in one of our own networks. */
export function isKnown({ user, trusted }: SmtpClientFacts): boolean {
  return user !== null || trusted
}

/**
 * Whether a client may relay: users who signed in at submission, and hosts of our own networks. No others, even if the
 * configuration is incomplete.
 */
export function mayRelay(client: SmtpClientFacts): boolean {
  if (client.trusted) return client.service !== 'lmtp'
  return client.user !== null && (client.service === 'submission' || client.service === 'submissions')
}
