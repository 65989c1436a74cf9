/** The extension `variables`: `set` and `string`. RFC 5229. References in strings are read by `text.ts`. */
import { action, test, type Extension } from '../declare.ts'
import { shown } from '../match.ts'
import { cut } from '../run.ts'
import { RunFault } from '../run-fault.ts'
import { valuesOf } from '../value.ts'

/** RFC 5229 §6 asks for 32. */
const nameLengthMax = 64

/** `name` or `namespace.name`, in lower case; undefined if it cannot be set. RFC 5229 §4. */
export function variableName(text: string): { readonly name: string; readonly namespace?: string } | undefined {
  const found = text.length > nameLengthMax ? null : /^(?:([a-z_]\w*)\.)?([a-z_]\w*)$/i.exec(text)
  if (found === null) return undefined
  const name = found[2]!.toLowerCase()
  return found[1] === undefined ? { name } : { name, namespace: found[1].toLowerCase() }
}

const set = action({
  name: 'set',
  parameters: { name: 'constant', value: 'text' },
  tags: [
    { name: 'lower', group: 'precedence 40', modify: (text) => text.replace(/[A-Z]+/g, (one) => one.toLowerCase()) },
    { name: 'upper', group: 'precedence 40', modify: (text) => text.replace(/[a-z]+/g, (one) => one.toUpperCase()) },
    {
      name: 'lowerfirst',
      group: 'precedence 30',
      modify: (text) => text.replace(/^[A-Z]/, (one) => one.toLowerCase()),
    },
    {
      name: 'upperfirst',
      group: 'precedence 30',
      modify: (text) => text.replace(/^[a-z]/, (one) => one.toUpperCase()),
    },
    { name: 'quotewildcard', group: 'precedence 20', modify: (text) => text.replace(/[*?\\]/g, '\\$&') },
    { name: 'length', group: 'precedence 10', modify: (text) => String([...text].length) },
  ],
  compile({ values: { name, value }, tags, fault, requires }) {
    const variable = variableName(name)
    if (variable === undefined) fault(`${shown(name)} is no name of a variable that can be set`, undefined, 'name')
    else if (variable.namespace !== undefined && !(variable.namespace === 'global' && requires('include')))
      fault(`variables of the namespace "${variable.namespace}" cannot be set`, undefined, 'name')
    const modifiers = tags.modifiers()
    return (run) => {
      let text = cut(run.text(value), run.limits.variableLengthMax)
      for (const modify of modifiers) text = modify(text)
      text = cut(text, run.limits.variableLengthMax)
      run.spend(1 + (text.length >> 10))
      const { name, namespace } = variable!
      if (!run.variables.set(name, namespace, text, run.limits.variablesMax))
        throw new RunFault(`a script may set ${run.limits.variablesMax} variables`)
      if (run.isExplained) run.because = `${name} is ${shown(text)}`
    }
  },
})

const string = test({
  name: 'string',
  parameters: { sources: 'texts', keys: 'texts' },
  traits: ['matches'],
  compile({ values: { sources, keys }, match, fault }) {
    const problem = match.faultOf(keys)
    if (problem !== undefined) fault(problem, undefined, 'keys')
    return (run) => {
      const texts = run.texts(sources)
      // An empty string counts 0. RFC 5229 §5.
      const counted = match.type.counts ? texts.filter((text) => text !== '') : texts
      return match.any(run, 'the string', valuesOf(counted), keys)
    }
  },
})

export const variables: Extension = {
  capabilities: ['variables'],
  changesReading: true,
  actions: [set],
  tests: [string],
}
