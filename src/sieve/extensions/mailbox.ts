/** The extension `mailbox`: `mailboxexists` and `:create`. RFC 5490 §3. */
import { test, type Extension } from '../declare.ts'
import { shown } from '../match.ts'
import { ask } from '../question.ts'
import { mailboxProblem } from './fileinto.ts'

// Not yet: RFC 5490 §4, §5, mboxmetadata and servermetadata, because the store has no IMAP METADATA.
export const mailbox: Extension = {
  capabilities: ['mailbox'],
  tags: [{ name: 'create', on: ['fileinto'] }],
  adjust: (_run, action, tags) =>
    tags?.has('create') && action.kind === 'fileinto' ? { ...action, create: true } : action,
  tests: [
    test({
      name: 'mailboxexists',
      parameters: { names: 'texts' },
      compile: ({ values: { names } }) =>
        function* (run) {
          for (const name of run.texts(names)) {
            run.spend(1)
            if (mailboxProblem(name) === undefined && (yield* ask({ kind: 'mailbox', mailbox: name }))) continue
            if (run.isExplained) run.because = `there is no mailbox ${shown(name)}`
            return false
          }
          return true
        },
    }),
  ],
}
