/** The extension `fileinto`. RFC 5228 §4.1. */
import { action, type Extension } from '../declare.ts'
import { shown } from '../match.ts'
import { RunFault } from '../run-fault.ts'

/** Longer names are none that IMAP clients can use. */
const mailboxLengthMax = 1_000

/** Why this cannot be a mailbox; undefined if it can. */
export function mailboxProblem(name: string): string | undefined {
  if (name === '') return 'a mailbox must have a name'
  if (name.length > mailboxLengthMax) return `the name of a mailbox has more than ${mailboxLengthMax} characters`
  return /[\0-\x1f\x7f]/.test(name) ? `${shown(name)} holds a control character` : undefined
}

export const fileinto: Extension = {
  capabilities: ['fileinto'],
  actions: [
    action({
      name: 'fileinto',
      parameters: { mailbox: 'text' },
      compile({ line, values, tags, fault }) {
        const problem = typeof values.mailbox === 'string' ? mailboxProblem(values.mailbox) : undefined
        if (problem !== undefined) fault(problem, undefined, 'mailbox')
        return (run) => {
          const mailbox = run.text(values.mailbox)
          const fault = mailboxProblem(mailbox)
          if (fault !== undefined) throw new RunFault(fault)
          run.add({ kind: 'fileinto', line, mailbox, create: false, edits: run.header.edits, copy: false }, tags)
        }
      },
    }),
  ],
}
