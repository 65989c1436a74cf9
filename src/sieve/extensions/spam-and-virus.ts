/** The extensions `spamtest`, `spamtestplus` and `virustest`. RFC 5235. The host says what its checks found. */
import { test, type Extension } from '../declare.ts'
import { ask } from '../question.ts'
import { valuesOf } from '../value.ts'

/** RFC 5235 §3.2.1: 0 was not looked at, 1 is certainly no spam, 10 certainly is. */
function outOfTen(likelihood: number | undefined): number {
  return likelihood === undefined ? 0 : 1 + Math.round(within(likelihood, 1) * 9)
}

function within(value: number, max: number): number {
  return Math.min(Math.max(value, 0), max)
}

const spamTest = test({
  name: 'spamtest',
  needs: ['spamtest', 'spamtestplus'],
  parameters: { key: 'text' },
  traits: ['matches'],
  tags: [{ name: 'percent' }],
  compile({ values: { key }, tags, match, fault, requires }) {
    const percent = tags.has('percent')
    if (percent && !requires('spamtestplus')) fault(':percent cannot be used without "spamtestplus"')
    const keys = typeof key === 'string' ? { items: [key], constant: [key] } : { items: [key] }
    return function* (run) {
      const likelihood = yield* ask({ kind: 'spam' })
      const value = percent ? Math.round(within(likelihood ?? 0, 1) * 100) : outOfTen(likelihood)
      // A message that was not looked at counts 0. RFC 5235 §3.1.
      const values = match.type.counts && likelihood === undefined ? [] : [String(value)]
      return match.any(run, 'the spam score', valuesOf(values), keys)
    }
  },
})

const virusTest = test({
  name: 'virustest',
  parameters: { key: 'text' },
  traits: ['matches'],
  compile({ values: { key }, match }) {
    const keys = typeof key === 'string' ? { items: [key], constant: [key] } : { items: [key] }
    return function* (run) {
      const found = Math.round(within((yield* ask({ kind: 'virus' })) ?? 0, 5))
      const values = match.type.counts && found === 0 ? [] : [String(found)]
      return match.any(run, 'the virus score', valuesOf(values), keys)
    }
  },
})

export const spamtest: Extension = { capabilities: ['spamtest'], tests: [spamTest] }
/** `:percent` comes with it. RFC 5235 §3.2. */
export const spamtestplus: Extension = { capabilities: ['spamtestplus'] }
export const virustest: Extension = { capabilities: ['virustest'], tests: [virusTest] }
