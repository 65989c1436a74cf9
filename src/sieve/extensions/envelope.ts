/** The extension `envelope`. RFC 5228 §5.4. */
import { formatMailbox } from '../../mail/address.ts'
import { test, type Extension } from '../declare.ts'
import { shown } from '../match.ts'
import type { Run } from '../run.ts'
import { RunFault } from '../run-fault.ts'
import { valuesOf } from '../value.ts'
import type { ViewedAddress } from '../header-view.ts'

const partNames: ReadonlySet<string> = new Set(['from', 'to'])

/** undefined if it is not known; null for the empty reverse-path. */
function envelopePart(run: Run, name: string): ViewedAddress | null | undefined {
  const { envelope } = run.settings
  return name === 'from' ? envelope.from : envelope.to
}

export const envelope: Extension = {
  capabilities: ['envelope'],
  tests: [
    test({
      name: 'envelope',
      parameters: { parts: 'texts', keys: 'texts' },
      traits: ['matches', 'addressParts'],
      compile({ values: { parts, keys }, match, addressPart, fault }) {
        const problem = match.faultOf(keys)
        if (problem !== undefined) fault(problem, undefined, 'keys')
        for (const part of parts.items)
          if (typeof part === 'string' && !partNames.has(part.toLowerCase()))
            fault(`the envelope has no part ${shown(part)}`, 'its parts are "from" and "to"', 'parts')
        return (run) => {
          const texts = run.texts(parts).flatMap((name) => {
            if (!partNames.has(name.toLowerCase())) throw new RunFault(`the envelope has no part ${shown(name)}`)
            const found = envelopePart(run, name.toLowerCase())
            // The null reverse-path is the empty string whatever the part, and no address to be counted. RFC 5231 §4.2.
            if (found === null) return match.type.counts ? [] : ['']
            if (found === undefined) return []
            // As it would be written: the local part may need quotes.
            const whole = addressPart.name === 'all' ? formatMailbox(found) : addressPart.of(found)
            return whole ?? (match.type.counts ? '' : [])
          })
          return match.any(run, 'the envelope', valuesOf(texts), keys)
        }
      },
    }),
  ],
}
