/** The extension `imap4flags`. RFC 5232. */
import { systemFlags } from '../../mail/flags.ts'
import { action, test, type ActionDeclaration, type Extension } from '../declare.ts'
import { shown } from '../match.ts'
import { RunFault } from '../run-fault.ts'
import type { Run } from '../run.ts'
import type { Texts } from '../text.ts'
import { valuesOf } from '../value.ts'
import { variableName } from './variables.ts'

/** RFC 9051 §9, flag-keyword: an atom. */
const keyword = /^[!#$&'+\-./0-9:;<=>?@A-Z^_`a-z|}~[]{1,100}$/
/** More flags than any mailbox holds. */
const flagsMax = 100

/** The flags of a list: words between blanks, each once; what is no flag is passed over. RFC 5232 §2. */
export function flagsOf(texts: readonly string[]): string[] {
  const found = new Map<string, string>()
  for (const text of texts)
    for (const word of text.split(/[ \t\r\n]+/)) {
      const system = systemFlags.find((flag) => flag.toLowerCase() === word.toLowerCase())
      if (system === undefined && !keyword.test(word)) continue
      const key = word.toLowerCase()
      if (!found.has(key) && found.size < flagsMax) found.set(key, system ?? word)
    }
  return [...found.values()]
}

/** The internal variable. RFC 5232 §3. */
const internal = {}

function flagsIn(run: Run, variable: string | undefined): readonly string[] {
  if (variable === undefined) return run.note(internal, () => ({ flags: [] as readonly string[] })).flags
  return flagsOf([run.variables.get(referenceOf(variable))])
}

function setFlags(run: Run, variable: string | undefined, flags: readonly string[]): void {
  if (variable === undefined) {
    run.note(internal, () => ({ flags: [] as readonly string[] })).flags = flags
    return
  }
  const { name, namespace } = referenceOf(variable)
  if (!run.variables.set(name, namespace, flags.join(' '), run.limits.variablesMax))
    throw new RunFault(`a script may set ${run.limits.variablesMax} variables`)
}

function referenceOf(variable: string): { readonly name: string; readonly namespace?: string } {
  const reference = variableName(variable)
  if (reference === undefined) throw new RunFault(`${shown(variable)} is no name of a variable`)
  return reference
}

type Change = (before: readonly string[], given: readonly string[]) => readonly string[]

const changing = (name: string, change: Change): ActionDeclaration =>
  action({
    name,
    parameters: { variable: 'constant?', flags: 'texts' },
    compile({ values: { variable, flags }, fault, requires }) {
      if (variable !== undefined && !requires('variables'))
        fault('a variable cannot be used without "variables"', undefined, 'variable')
      if (variable !== undefined && variableName(variable) === undefined)
        fault(`${shown(variable)} is no name of a variable`, undefined, 'variable')
      return (run) => {
        const given = flagsOf(run.texts(flags))
        setFlags(run, variable, flagsOf(change(flagsIn(run, variable), given)))
      }
    },
  })

const setflag = changing('setflag', (_before, given) => given)
const addflag = changing('addflag', (before, given) => [...before, ...given])
const removeflag = changing('removeflag', (before, given) => {
  const gone = new Set(given.map((flag) => flag.toLowerCase()))
  return before.filter((flag) => !gone.has(flag.toLowerCase()))
})

/** Words of a list of flags that is looked for: also parts of flags, so that none is passed over. */
function wordsOf(run: Run, flags: Texts): Texts {
  const words = run.texts(flags).flatMap((text) => text.split(' ').filter((word) => word !== ''))
  return { items: words, constant: words }
}

const hasflag = test({
  name: 'hasflag',
  parameters: { variables: 'constants?', flags: 'texts' },
  traits: ['matches'],
  compile({ values: { variables, flags }, match, fault, requires }) {
    if (variables !== undefined && !requires('variables'))
      fault('a variable cannot be used without "variables"', undefined, 'variables')
    const wrong = variables?.find((name) => variableName(name) === undefined)
    if (wrong !== undefined) fault(`${shown(wrong)} is no name of a variable`, undefined, 'variables')
    return (run) => {
      const found = (variables ?? [undefined]).flatMap((variable) => flagsIn(run, variable))
      return match.any(run, 'the flags', valuesOf(found), wordsOf(run, flags))
    }
  },
})

export const imap4flags: Extension = {
  capabilities: ['imap4flags'],
  actions: [setflag, addflag, removeflag],
  tests: [hasflag],
  tags: [{ name: 'flags', on: ['keep', 'fileinto'], argument: 'texts' }],
  /** Without `:flags` the internal variable counts, for the implicit keep too. RFC 5232 §3. */
  adjust(run, given, tags) {
    if (given.kind !== 'keep' && given.kind !== 'fileinto') return given
    const own = tags?.texts('flags')
    const flags = own === undefined ? flagsIn(run, undefined) : flagsOf(run.texts(own))
    return flags.length === 0 && own === undefined ? given : { ...given, flags }
  },
}
