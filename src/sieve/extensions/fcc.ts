/** The extension `fcc`: a copy of what vacation and notify send is filed. RFC 8580. */
import type { Extension, TagDeclaration } from '../declare.ts'
import { shown } from '../match.ts'
import type { FileCopy } from '../result.ts'
import type { ActionTags, Run } from '../run.ts'
import { RunFault } from '../run-fault.ts'
import { mailboxProblem } from './fileinto.ts'
import { flagsOf } from './imap4flags.ts'
import { useAttribute } from './special-use.ts'

/** Actions that make a message. RFC 8580 §5, §6. */
const on = ['vacation', 'notify']

/** Tags of `fileinto` that say more about the copy, each with the extension that it needs. RFC 8580 §3.1, RFC 9042 §5. */
const more: readonly TagDeclaration[] = [
  { name: 'flags', argument: 'texts', needs: ['imap4flags'] },
  { name: 'create', needs: ['mailbox'] },
  { name: 'specialuse', group: 'target', argument: 'text', needs: ['special-use'] },
  { name: 'mailboxid', group: 'target', argument: 'text', needs: ['mailboxid'] },
]

function copyOf(run: Run, tags: ActionTags): FileCopy | undefined {
  const target = tags.text('fcc')
  if (target === undefined) return undefined
  const mailbox = run.text(target)
  const problem = mailboxProblem(mailbox)
  if (problem !== undefined) throw new RunFault(problem)
  const flags = tags.texts('flags')
  const use = tags.text('specialuse')
  const specialUse = use === undefined ? undefined : run.text(use)
  if (specialUse !== undefined && !useAttribute.test(specialUse))
    throw new RunFault(`${shown(specialUse)} is no special use: they begin with a backslash`)
  const id = tags.text('mailboxid')
  return {
    mailbox,
    create: tags.has('create'),
    ...(flags === undefined ? {} : { flags: flagsOf(run.texts(flags)) }),
    ...(specialUse === undefined ? {} : { specialUse }),
    ...(id === undefined ? {} : { mailboxId: run.text(id) }),
  }
}

export const fcc: Extension = {
  capabilities: ['fcc'],
  tags: [{ name: 'fcc', argument: 'text', on }, ...more.map((tag) => ({ ...tag, on, beside: 'fcc' }))],
  adjust(run, action, tags) {
    if (tags === undefined || (action.kind !== 'vacation' && action.kind !== 'notify')) return action
    const copy = copyOf(run, tags)
    return copy === undefined ? action : { ...action, fcc: copy }
  },
}
