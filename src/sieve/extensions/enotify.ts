/** The extension `enotify`, with the method mailto. RFC 5435, RFC 5436. */
import { parseMailbox } from '../../mail/address.ts'
import { action, test, type Extension } from '../declare.ts'
import { shown } from '../match.ts'
import { RunFault } from '../run-fault.ts'
import { valuesOf } from '../value.ts'

/** A notification goes to a few, not to a list. */
const recipientsMax = 10
const uriLengthMax = 2_000

/** Why this is no method to notify by; undefined if it is one. RFC 5436 §2.1, RFC 6068 §2. */
export function methodProblem(uri: string): string | undefined {
  if (uri.length > uriLengthMax) return `a method has more than ${uriLengthMax} characters`
  const found = /^mailto:([^?#]*)(?:\?([^#]*))?$/i.exec(uri)
  if (found === null) return `${shown(uri)} is no method to notify by: there is mailto`
  if (!/^(?:[!$&-;=@-Z_a-z~'?*+,:]|%[0-9a-f]{2})*$/i.test(uri)) return `${shown(uri)} is no URI`
  const to = found[1] === '' ? [] : found[1]!.split(',')
  for (const field of (found[2] ?? '').split('&')) {
    if (field === '') continue
    const [name, value] = field.split('=') as [string, string | undefined]
    if (value === undefined || name === '') return `${shown(uri)} has a field without a value`
    if (decoded(name)?.toLowerCase() === 'to') to.push(...value.split(','))
  }
  if (to.length === 0) return `${shown(uri)} names no recipient`
  if (to.length > recipientsMax) return `${shown(uri)} has more than ${recipientsMax} recipients`
  const wrong = to.find((address) => parseMailbox(decoded(address) ?? '') === undefined)
  return wrong === undefined ? undefined : `${shown(wrong)} is no address to notify`
}

/** Percent signs undone; undefined if they are no UTF-8. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

const importances = { '1': 'high', '2': 'normal', '3': 'low' } as const

const notify = action({
  name: 'notify',
  parameters: { method: 'text' },
  tags: [
    { name: 'from', argument: 'text' },
    { name: 'importance', argument: 'constant' },
    { name: 'options', argument: 'texts' },
    { name: 'message', argument: 'text' },
  ],
  compile({ line, values: { method }, tags, fault }) {
    const importance = tags.constant('importance') ?? '2'
    if (!Object.hasOwn(importances, importance)) fault(`the importance is "1", "2" or "3", not ${shown(importance)}`)
    const problem = typeof method === 'string' ? methodProblem(method) : undefined
    if (problem !== undefined) fault(problem, undefined, 'method')
    const from = tags.text('from')
    const message = tags.text('message')
    const options = tags.texts('options')
    return (run) => {
      const uri = run.text(method)
      const wrong = methodProblem(uri)
      if (wrong !== undefined) throw new RunFault(wrong)
      const given = options === undefined ? [] : run.texts(options)
      // RFC 5435 §3.5.
      const odd = given.find((option) => !/^[A-Za-z0-9][A-Za-z0-9._-]*=[^\0\r\n]*$/.test(option))
      if (odd !== undefined) throw new RunFault(`${shown(odd)} is no option of a notification`)
      run.add(
        {
          kind: 'notify',
          line,
          method: uri,
          importance: importances[importance as keyof typeof importances],
          options: given,
          ...(from === undefined ? {} : { from: run.text(from) }),
          ...(message === undefined ? {} : { message: run.text(message) }),
        },
        tags,
      )
    }
  },
})

const validMethod = test({
  name: 'valid_notify_method',
  parameters: { methods: 'texts' },
  compile:
    ({ values: { methods } }) =>
    (run) =>
      run.texts(methods).every((method) => methodProblem(method) === undefined),
})

const methodCapability = test({
  name: 'notify_method_capability',
  parameters: { method: 'text', capability: 'text', keys: 'texts' },
  traits: ['matches'],
  compile({ values: { method, capability, keys }, match }) {
    return (run) => {
      if (methodProblem(run.text(method)) !== undefined || run.text(capability).toLowerCase() !== 'online') return false
      // Whether a reader of mail is online is not known. RFC 5436 §2.2.
      return match.any(run, '"online"', valuesOf(['maybe']), keys)
    }
  },
})

export const enotify: Extension = {
  capabilities: ['enotify'],
  actions: [notify],
  tests: [validMethod, methodCapability],
  tags: [
    // RFC 5435 §6.
    { name: 'encodeurl', group: 'precedence 15', on: ['set'], modify: encodeUrl },
  ],
}

/** All octets of UTF-8 but the unreserved ones. RFC 3986 §2.3. */
function encodeUrl(text: string): string {
  return encodeURIComponent(Buffer.from(text, 'utf8').toString('utf8')).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
