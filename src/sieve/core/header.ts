/** The tests `header`, `exists` and `size`. RFC 5228 §5.7, §5.5, §5.9. */
import { test } from '../declare.ts'
import { shown } from '../match.ts'
import { pickValues } from '../pick.ts'

export const header = test({
  name: 'header',
  parameters: { names: 'texts', keys: 'texts' },
  traits: ['matches'],
  compile({ values: { names, keys }, tags, match, fault }) {
    const problem = match.faultOf(keys)
    if (problem !== undefined) fault(problem, undefined, 'keys')
    const pick = pickValues(tags, fault)
    return (run) => {
      const wanted = run.texts(names)
      return match.any(run, run.isExplained ? wanted.map(shown).join(' or ') : '', pick(run, wanted), keys)
    }
  },
})

export const exists = test({
  name: 'exists',
  parameters: { names: 'texts' },
  compile({ values: { names } }) {
    return (run) => {
      const missing = run.texts(names).find((name) => run.header.named(name.toLowerCase()).length === 0)
      if (run.isExplained && missing !== undefined) run.because = `there is no ${shown(missing)}`
      return missing === undefined
    }
  },
})

export const size = test({
  name: 'size',
  parameters: { limit: 'number' },
  tags: [
    { name: 'over', group: 'bound' },
    { name: 'under', group: 'bound' },
  ],
  compile({ values: { limit }, tags, fault }) {
    const bound = tags.inGroup('bound')
    if (bound === undefined) fault('"size" needs :over or :under')
    return (run) => {
      const { sizeBytes } = run
      if (run.isExplained) run.because = `the message has ${sizeBytes} bytes`
      return bound === 'over' ? sizeBytes > limit : sizeBytes < limit
    }
  },
})
