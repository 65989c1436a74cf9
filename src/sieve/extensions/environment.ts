/** The extension `environment`. RFC 5183. The host knows the items; what it does not know matches nothing. */
import { test, type Extension } from '../declare.ts'
import { shown } from '../match.ts'
import { ask } from '../question.ts'
import { valuesOf } from '../value.ts'

export const environment: Extension = {
  capabilities: ['environment'],
  tests: [
    test({
      name: 'environment',
      parameters: { name: 'text', keys: 'texts' },
      traits: ['matches'],
      compile({ values: { name, keys }, match, fault }) {
        const problem = match.faultOf(keys)
        if (problem !== undefined) fault(problem, undefined, 'keys')
        return function* (run) {
          const item = run.text(name)
          const value = yield* ask({ kind: 'environment', name: item.toLowerCase() })
          // The empty string counts 0. RFC 5183 §4.
          const values = value === undefined || (match.type.counts && value === '') ? [] : [value]
          // An item that is not known fails, whatever is asked of it.
          return value !== undefined && match.any(run, shown(item), valuesOf(values), keys)
        }
      },
    }),
  ],
}
