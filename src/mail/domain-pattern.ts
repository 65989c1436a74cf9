/** Patterns of domains as the configuration has them: a domain, `*.domain` for all below it, `*` for all. Lower case, A-labels. */

export function fitsDomain(pattern: string, domain: string): boolean {
  return pattern === '*' || (pattern.startsWith('*.') ? domain.endsWith(pattern.slice(1)) : domain === pattern)
}

/** Of two patterns that fit, the one with more counts: `*.eu.example.org` before `*.example.org`. No name is longer than 255. */
export function exactness(pattern: string): number {
  if (pattern === '*') return 0
  return pattern.startsWith('*.') ? pattern.length : 1000
}

/** The row whose pattern fits best. */
export function bestFit<T>(rows: readonly T[], patternOf: (row: T) => string, domain: string): T | undefined {
  let best: T | undefined
  for (const row of rows) {
    const pattern = patternOf(row)
    if (fitsDomain(pattern, domain) && (!best || exactness(pattern) > exactness(patternOf(best)))) best = row
  }
  return best
}
