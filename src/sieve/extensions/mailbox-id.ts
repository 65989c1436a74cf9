/** The extension `mailboxid`: `mailboxidexists` and `:mailboxid`. RFC 9042. */
import { test, type Extension } from '../declare.ts'
import { shown } from '../match.ts'
import { ask } from '../question.ts'

/** RFC 8474 §4.1, objectid. What is none names no mailbox. */
const objectId = /^[A-Za-z0-9_-]{1,255}$/

export const mailboxId: Extension = {
  capabilities: ['mailboxid'],
  tags: [{ name: 'mailboxid', group: 'target', on: ['fileinto'], argument: 'text' }],
  adjust(run, action, tags) {
    const id = tags?.text('mailboxid')
    return id === undefined || action.kind !== 'fileinto' ? action : { ...action, mailboxId: run.text(id) }
  },
  tests: [
    test({
      name: 'mailboxidexists',
      parameters: { ids: 'texts' },
      compile: ({ values: { ids } }) =>
        function* (run) {
          for (const id of run.texts(ids)) {
            run.spend(1)
            if (objectId.test(id) && (yield* ask({ kind: 'mailboxId', mailboxId: id }))) continue
            if (run.isExplained) run.because = `there is no mailbox with the id ${shown(id)}`
            return false
          }
          return true
        },
    }),
  ],
}
