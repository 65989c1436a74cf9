/** The extension `body`. RFC 5173. The host gives the texts, `bodyTexts` from the bytes of a message. */
import { test, type Extension } from '../declare.ts'
import { ask, type BodyQuestion } from '../question.ts'
import type { Asking } from '../question.ts'
import type { Run } from '../run.ts'
import { valuesOf, type Value } from '../value.ts'

/** Texts that were asked for: each transform is asked once in a run. */
const asked = {}

function* bodyValues(run: Run, transform: BodyQuestion['transform']): Asking<readonly Value[]> {
  const known = run.note(asked, () => new Map<string, readonly Value[]>())
  const key = JSON.stringify(transform)
  let values = known.get(key)
  if (values === undefined) {
    const texts = yield* ask({ kind: 'body', transform, textMax: run.limits.bodyTextMax })
    values = valuesOf(texts)
    // Every list of types that a script makes up is another text to hold.
    if (known.size < transformsMax) known.set(key, values)
  }
  return values
}

const transformsMax = 4

/** RFC 5173 §5: `:raw`, `:content "text"`, `:text`, which is the default. */
export const body: Extension = {
  capabilities: ['body'],
  tests: [
    test({
      name: 'body',
      parameters: { keys: 'texts' },
      traits: ['matches'],
      tags: [
        { name: 'raw', group: 'transform' },
        { name: 'text', group: 'transform' },
        { name: 'content', group: 'transform', argument: 'texts' },
      ],
      compile({ values: { keys }, tags, match, fault }) {
        const problem = match.faultOf(keys)
        if (problem !== undefined) fault(problem, undefined, 'keys')
        const types = tags.texts('content')
        return function* (run) {
          const transform = types === undefined ? (tags.has('raw') ? 'raw' : 'text') : run.texts(types)
          const values = yield* bodyValues(run, transform)
          // RFC 5173 §6: match variables are not set, a body is too large to be held in one.
          return match.any(run, 'the body', values, keys, false)
        }
      },
    }),
  ],
}
