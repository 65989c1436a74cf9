/** What changes messages on their way in, as the configuration has it, and as a reload changes it. */
import type { Config } from '../config/config.ts'
import type { TransferOptions } from '../queue/options.ts'
import { Rewriter } from '../delivery/rewrite/rewriter.ts'
import type { AcceptTools } from '../delivery/accept.ts'

export interface Rewriting {
  readonly tools: Pick<AcceptTools, 'rewriter' | 'contentRules'>
  reload(config: Config): void
}

export function openRewriting(first: Config, options: TransferOptions): Rewriting {
  const rewrite = { ...first.rewrite }
  const contentRules = [...first.checks]
  return {
    tools: { rewriter: new Rewriter(rewrite, () => options.subaddressDelimiter), contentRules },
    reload(next) {
      Object.assign(rewrite, next.rewrite)
      contentRules.splice(0, contentRules.length, ...next.checks)
    },
  }
}
