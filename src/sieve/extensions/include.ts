/** The extension `include`: `include`, `return` and `global`. RFC 6609. The host has the scripts. */
import { action, type Extension, type Signal } from '../declare.ts'
import { shown } from '../match.ts'
import { isAsking, programOf, runBlock } from '../program.ts'
import { ask, type Asking } from '../question.ts'
import { Run } from '../run.ts'
import { RunFault } from '../run-fault.ts'
import type { SieveScript } from '../script.ts'
import { variableName } from './variables.ts'

/** What was included so far, and what is being run: `personal/name`. */
interface Included {
  readonly done: Set<string>
  readonly open: string[]
}

const included = {}

/** RFC 5804 §1.6: no control characters, no slashes; at most 128 characters here. */
export function isScriptName(name: string): boolean {
  return /^[^\0-\x1f\x7f-\x9f\u2028\u2029/]{1,128}$/.test(name)
}

const include = action({
  name: 'include',
  parameters: { name: 'constant' },
  tags: [
    { name: 'personal', group: 'location' },
    { name: 'global', group: 'location' },
    { name: 'once' },
    { name: 'optional' },
  ],
  compile({ values: { name }, tags, fault }) {
    if (!isScriptName(name)) fault(`${shown(name)} is no name of a script`, undefined, 'name')
    const location = tags.has('global') ? 'global' : 'personal'
    const key = `${location}/${name}`
    return function* (run): Asking<Signal> {
      const state = run.note<Included>(included, () => ({ done: new Set(), open: [] }))
      if (tags.has('once') && state.done.has(key)) return undefined
      if (state.open.includes(key)) throw new RunFault(`the script ${shown(name)} includes itself`)
      if (state.open.length >= run.limits.includeDepthMax)
        throw new RunFault(`scripts may include one another ${run.limits.includeDepthMax} deep`)
      if (state.done.size >= run.limits.includesMax)
        throw new RunFault(`a run may include ${run.limits.includesMax} scripts`)
      const script = yield* ask({ kind: 'script', location, name })
      if (script === undefined) {
        if (tags.has('optional')) return undefined
        throw new RunFault(`there is no script ${shown(name)} to include`)
      }
      state.done.add(key)
      state.open.push(key)
      const signal = yield* runIncluded(run, name, script)
      state.open.pop()
      // `return` leaves the included script alone, `stop` all of them. RFC 6609 §3.2, §3.3.
      return signal === 'stop' ? 'stop' : undefined
    }
  },
})

function* runIncluded(outer: Run, name: string, script: SieveScript): Asking<Signal> {
  const { block, adjusts } = programOf(script)
  const run = new Run(outer.settings, adjusts, { name, by: outer })
  try {
    const result = runBlock(run, block)
    return isAsking<Signal>(result) ? yield* result : result
  } catch (error) {
    if (!(error instanceof RunFault)) throw error
    throw new RunFault(`in the script ${shown(name)}, line ${run.line}: ${error.message}`)
  }
}

const leave = action({ name: 'return', parameters: {}, compile: () => () => 'return' })

const global = action({
  name: 'global',
  parameters: { names: 'constants' },
  compile({ values: { names }, fault, requires }) {
    if (!requires('variables')) fault('"global" cannot be used without "variables"', 'add: require "variables";')
    for (const name of names) {
      const variable = variableName(name)
      if (variable === undefined || variable.namespace !== undefined)
        fault(`${shown(name)} is no name of a variable`, undefined, 'names')
    }
    return (run) => {
      for (const name of names)
        if (!run.variables.share(name.toLowerCase()))
          throw new RunFault(`the variable ${shown(name)} was set before it was declared global`)
    }
  },
})

export const includeExtension: Extension = {
  capabilities: ['include'],
  actions: [include, leave, global],
  namespaces: ['global'],
}
