/** The extensions `vacation` and `vacation-seconds`. RFC 5230, RFC 6131. Times are the host's: the action says what is wished for. */
import { mailboxesOf, parseAddressList } from '../../mail/address-list.ts'
import { action, type Extension } from '../declare.ts'
import { shown } from '../match.ts'
import { RunFault } from '../run-fault.ts'
import { sourceOf } from '../text.ts'

const daySeconds = 86_400
/** RFC 5230 §4.1. */
const daysDefault = 7
const daysMin = 1

/** RFC 5230 §4.3. */
function isMailboxList(text: string): boolean {
  const list = mailboxesOf(parseAddressList(text))
  return list.length > 0 && list.every(({ localPart, domain }) => localPart !== '' && domain !== '')
}

const vacationAction = action({
  name: 'vacation',
  parameters: { reason: 'text' },
  tags: [
    { name: 'days', group: 'period', argument: 'number' },
    { name: 'subject', argument: 'text' },
    { name: 'from', argument: 'text' },
    { name: 'addresses', argument: 'texts' },
    { name: 'mime' },
    { name: 'handle', argument: 'text' },
  ],
  compile({ line, values: { reason }, tags, fault }) {
    const subject = tags.text('subject')
    const from = tags.text('from')
    const given = tags.text('handle')
    const addresses = tags.texts('addresses')
    const mime = tags.has('mime')
    if (typeof from === 'string' && !isMailboxList(from)) fault(`${shown(from)} is no address`, undefined)
    // Before variables are put in: one reply for all subjects. Each argument has a place of its own. RFC 5230 §4.2.
    const parts = [subject, from, reason].map((text) => (text === undefined ? null : sourceOf(text)))
    const synthesis = JSON.stringify([...parts, mime])
    const days = tags.number('days')
    const seconds = tags.number('seconds') ?? Math.max(days ?? daysDefault, daysMin) * daySeconds
    return (run) => {
      const sender = from === undefined ? undefined : run.text(from)
      if (sender !== undefined && !isMailboxList(sender))
        throw new RunFault(`${shown(sender)} is no address to answer from`)
      run.add(
        {
          kind: 'vacation',
          line,
          seconds,
          handle: given === undefined ? synthesis : run.text(given),
          ...(subject === undefined ? {} : { subject: run.text(subject).replace(/[\r\n]+/g, ' ') }),
          ...(sender === undefined ? {} : { from: sender }),
          addresses: addresses === undefined ? [] : run.texts(addresses),
          reason: run.text(reason),
          mime,
        },
        tags,
      )
    }
  },
})

export const vacation: Extension = { capabilities: ['vacation'], actions: [vacationAction] }

/** RFC 6131 §2: `:seconds` in the place of `:days`; `vacation` is required with it. */
export const vacationSeconds: Extension = {
  capabilities: ['vacation-seconds'],
  includes: ['vacation'],
  tags: [{ name: 'seconds', group: 'period', argument: 'number', on: ['vacation'] }],
}
