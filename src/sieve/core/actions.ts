/** The actions `keep`, `discard`, `redirect` and `stop`. RFC 5228 §4.2 to §4.4, §3.3. */
import { formatMailbox, parseMailbox } from '../../mail/address.ts'
import { action } from '../declare.ts'
import { shown } from '../match.ts'
import { RunFault } from '../run-fault.ts'

export const stop = action({ name: 'stop', parameters: {}, compile: () => () => 'stop' })

export const keep = action({
  name: 'keep',
  parameters: {},
  compile:
    ({ line, tags }) =>
    (run) =>
      run.add({ kind: 'keep', line, edits: run.header.edits, copy: false }, tags),
})

export const discard = action({
  name: 'discard',
  parameters: {},
  compile:
    ({ line }) =>
    (run) =>
      run.add({ kind: 'discard', line }),
})

export const redirect = action({
  name: 'redirect',
  parameters: { address: 'text' },
  compile({ line, values: { address }, tags, fault }) {
    if (typeof address === 'string' && parseMailbox(address.trim()) === undefined)
      fault(`${shown(address)} is no address`, 'an address stands alone, as "anne@example.org"', 'address')
    return (run) => {
      const text = run.text(address)
      const mailbox = parseMailbox(text.trim())
      if (mailbox === undefined) throw new RunFault(`${shown(text)} is no address to redirect to`)
      run.add({ kind: 'redirect', line, address: formatMailbox(mailbox), edits: run.header.edits, copy: false }, tags)
    }
  },
})
