/** Whether a trusted list or forwarder vouches for a message by an ARC chain: DMARC passed when it got the message. RFC 8617 §7.2.1. */
import type { ArcVerdict } from './verify.ts'

/**
 * @param trusted domains of sealers, lower case.
 * @param from the domain in From.
 * @returns the sealer that saw DMARC pass for that domain. All sealers after it have to be trusted too.
 */
export function vouchedBy(arc: ArcVerdict, trusted: readonly string[], from: string): string | undefined {
  if (arc.result !== 'pass' || trusted.length === 0) return undefined
  for (const { seal, results } of [...arc.sets].reverse()) {
    const sealer = seal.domain.toLowerCase()
    if (!trusted.includes(sealer)) return undefined
    if (saysDmarcPass(results, from)) return sealer
  }
  return undefined
}

/** Comments and quoted strings do not count: `dmarc=fail (dmarc=pass)` must not pass. */
function saysDmarcPass(field: string, from: string): boolean {
  const bare = field
    .replace(/"(?:[^"\\]|\\[^])*"/g, '""')
    .replace(/\([^()]*\)/g, ' ')
    .toLowerCase()
  return bare.split(';').some((part) => {
    const words = part.trim().split(/\s+/)
    return words[0] === 'dmarc=pass' && words.includes(`header.from=${from}`)
  })
}
