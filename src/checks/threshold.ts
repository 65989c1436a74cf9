/** The check `threshold`, the last one: what the sum of all scores means. */
import type { Live } from '../base/live.ts'
import type { Check, CheckSession } from './check.ts'

export interface ThresholdOptions {
  /** From this score on a message is filed into Junk. */
  readonly junk: number
  /** From this score on a message is refused. Infinity: none is. */
  readonly refuse: number
}

/** As SpamAssassin has it: five points are spam. Not refused, since scores are guesses. */
export const thresholdDefaults: ThresholdOptions = { junk: 5, refuse: Infinity }

export function thresholdCheck(options: Live<ThresholdOptions>): Check {
  const session: CheckSession = {
    message(_, { notes }) {
      const { junk, refuse } = options.now
      const { score } = notes()
      if (score >= refuse)
        return { kind: 'refuse', status: { code: 550, enhanced: '5.7.1', text: 'This message looks like spam' } }
      return score >= junk ? { kind: 'note', junk: true } : undefined
    },
  }
  return { name: 'threshold', speaksFor: 'all', onFailure: 'fault', begin: () => session }
}
