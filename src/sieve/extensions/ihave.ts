/** The extension `ihave`, with the action `error`. RFC 5463. */
import { action, test, type Extension } from '../declare.ts'
import { shown } from '../match.ts'
import { RunFault } from '../run-fault.ts'

export const ihave: Extension = {
  capabilities: ['ihave'],
  tests: [
    test({
      name: 'ihave',
      parameters: { capabilities: 'constants' },
      compile({ values: { capabilities }, isAvailable, mayFind }) {
        const missing = capabilities.find((one) => !isAvailable(one))
        // Even if some are missing: what stands behind is unknown, not wrong.
        mayFind(missing === undefined ? capabilities : [])
        return (run) => {
          if (run.isExplained && missing !== undefined) run.because = `there is no extension ${shown(missing)}`
          if (missing === undefined) for (const one of capabilities) run.found.add(one)
          return missing === undefined
        }
      },
    }),
  ],
  actions: [
    action({
      name: 'error',
      parameters: { message: 'text' },
      compile:
        ({ values: { message } }) =>
        (run) => {
          throw new RunFault(run.text(message))
        },
    }),
  ],
}
