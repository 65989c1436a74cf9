/** The extension `editheader`: `addheader` and `deleteheader`. RFC 5293. */
import { formatField } from '../../mail/header-format.ts'
import { encodeText } from '../../mail/mime/encode-word.ts'
import { action, type Extension } from '../declare.ts'
import { shown } from '../match.ts'
import { indexOf } from '../pick.ts'
import type { Run } from '../run.ts'
import { RunFault } from '../run-fault.ts'
import { Value } from '../value.ts'

/** RFC 5322 §3.6.8 field-name. */
const fieldName = /^[!-9;-~]{1,100}$/
/**
 * Fields that stay as they are: RFC 5293 §6 names the first two; without the others a script could hide where a message came from, or
 * seem to say that it was checked.
 */
const fixedFields: ReadonlySet<string> = new Set([
  'received',
  'auto-submitted',
  'return-path',
  'authentication-results',
])
/** RFC 5293 §4: 998 at least, as it is encoded. */
const valueLengthMax = 2_000

function countEdit(run: Run): void {
  const count = run.note(editsOfRun, () => ({ edits: 0 }))
  count.edits += 1
  if (count.edits > run.limits.headerEditsMax)
    throw new RunFault(`a run may change ${run.limits.headerEditsMax} header fields`)
}

const editsOfRun = {}

const addheader = action({
  name: 'addheader',
  parameters: { name: 'text', value: 'text' },
  tags: [{ name: 'last' }],
  compile({ values: { name, value }, tags, fault }) {
    if (typeof name === 'string' && !fieldName.test(name))
      fault(`${shown(name)} is no name of a header field`, undefined, 'name')
    return (run) => {
      const field = run.text(name)
      if (!fieldName.test(field)) throw new RunFault(`${shown(field)} is no name of a header field`)
      const text = run
        .text(value)
        .replace(/\s*[\r\n]+\s*/g, ' ')
        .trim()
      if (text.length > valueLengthMax || text.includes('\0'))
        throw new RunFault(`the value of ${field} is longer than ${valueLengthMax} characters, or holds a NUL`)
      // What is not permitted is passed over in silence. RFC 5293 §6.
      if (fixedFields.has(field.toLowerCase())) return
      countEdit(run)
      const raw = /[^\t\x20-\x7e]|=\?/.test(text) ? encodeText(text, field.length + 2).replace(/[\r\n]+/g, '') : text
      const added = { kind: 'added', name: field.toLowerCase(), raw, text: formatField(field, raw) } as const
      const { fields } = run.header
      run.header.change(tags.has('last') ? [...fields, added] : [added, ...fields])
    }
  },
})

const deleteheader = action({
  name: 'deleteheader',
  parameters: { name: 'text', patterns: 'texts?' },
  traits: ['matches'],
  tags: [{ name: 'index', argument: 'number' }, { name: 'last' }],
  compile({ values: { name, patterns }, tags, match, fault }) {
    if (typeof name === 'string' && !fieldName.test(name))
      fault(`${shown(name)} is no name of a header field`, undefined, 'name')
    const problem = patterns === undefined ? undefined : match.faultOf(patterns)
    if (problem !== undefined) fault(problem, undefined, 'patterns')
    const index = indexOf(tags, fault)
    return (run) => {
      const field = run.text(name)
      if (!fieldName.test(field)) throw new RunFault(`${shown(field)} is no name of a header field`)
      if (fixedFields.has(field.toLowerCase())) return
      const { header } = run
      const named = header.named(field.toLowerCase())
      // The place is counted before values are looked at. RFC 5293 §5.
      const one = index === 0 ? undefined : named.at(index > 0 ? index - 1 : index)
      const looked = index === 0 ? named : one === undefined ? [] : [one]
      const isCounted = patterns !== undefined && match.type.counts === true
      // With :count the number of all that were looked at decides about all. RFC 5231 §4.2.
      const all =
        isCounted &&
        match.any(
          run,
          field,
          looked.map((item) => new Value(header.text(item))),
          patterns,
        )
      const gone = new Set(
        looked.filter((item) =>
          patterns === undefined || isCounted
            ? patterns === undefined || all
            : match.any(run, field, [new Value(header.text(item))], patterns),
        ),
      )
      if (gone.size === 0) return
      countEdit(run)
      header.change(header.fields.filter((item) => !gone.has(item)))
    }
  },
})

export const editheader: Extension = { capabilities: ['editheader'], actions: [addheader, deleteheader] }
