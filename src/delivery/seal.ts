/**
 * ARC-seals forwarded mail of unauthenticated clients with our results, so that the next hop does not blame us for the
 * sender. RFC 8617.
 */
import type { StoredContent } from '../store/store.ts'
import { ArcSealer } from '../trust/arc/seal.ts'
import type { Judgement } from '../checks/judgement.ts'
import { contentParts } from './edits.ts'
import type { Planned } from './plan.ts'
import type { SigningKeys } from './signing.ts'

interface Tools {
  readonly signingKeys?: SigningKeys
}

/** @returns the fields for copies that leave us; '' if there are none, or there is no key. */
export async function sealForwarded(
  { signingKeys }: Tools,
  content: StoredContent,
  { evidence: { arc }, results }: Judgement,
  planned: readonly Planned[],
  nowMs: number,
): Promise<string> {
  // Without a DNS answer the chain's state is unknown: a wrong statement would break it for good.
  if (!signingKeys || (arc.result === 'none' && arc.problem !== undefined)) return ''
  const forwarded = planned.find(({ plans }) =>
    plans.some((plan) => plan.kind === 'queue' && plan.destination.kind !== 'local'),
  )
  if (!forwarded) return ''
  const domain = forwarded.recipient.slice(forwarded.recipient.lastIndexOf('@') + 1)
  // The RSA key is first: all verifiers support it.
  const [key] = await signingKeys.of(domain)
  if (!key) return ''
  const { header, body } = await contentParts(content, '')
  const sealer = new ArcSealer(header, key, { results, chain: arc, nowMs })
  for await (const piece of body()) sealer.write(piece)
  return sealer.end()
}
