/** The check `relay`: mail to other domains is taken from users and trusted networks, and for relay domains. RFC 5321 §3.6. */
import { status } from '../mail/status.ts'
import type { Check, CheckSession } from './check.ts'
import { mayRelay } from './clients.ts'

export interface RelayTools {
  isLocalDomain(domain: string): boolean
  /** Whether a domain is a relay domain: mail for it is accepted from all clients. */
  relaysFor(domain: string): boolean
}

export function relayCheck({ isLocalDomain, relaysFor }: RelayTools): Check {
  const session: CheckSession = {
    recipient(client, { domain }) {
      if (isLocalDomain(domain) || mayRelay(client) || relaysFor(domain)) return undefined
      return { kind: 'refuse', status: status.relayDenied }
    },
  }
  return { name: 'relay', speaksFor: 'all', onFailure: 'fault', begin: () => session }
}
