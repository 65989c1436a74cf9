/** The extension `special-use`: `specialuse_exists` and `:specialuse`. RFC 8579. */
import { test, type Extension } from '../declare.ts'
import { shown } from '../match.ts'
import { ask } from '../question.ts'
import { RunFault } from '../run-fault.ts'

/** `use-attr` of RFC 6154 §6: a backslash and an atom. */
export const useAttribute = /^\\[!#$&'+\-./0-9:;<=>?@A-Z^_`a-z|}~]{1,100}$/

export const specialUse: Extension = {
  capabilities: ['special-use'],
  // One target only: RFC 9042 §4.2.
  tags: [{ name: 'specialuse', group: 'target', on: ['fileinto'], argument: 'text' }],
  adjust(run, action, tags) {
    const use = tags?.text('specialuse')
    if (use === undefined || action.kind !== 'fileinto') return action
    const text = run.text(use)
    if (!useAttribute.test(text)) throw new RunFault(`${shown(text)} is no special use: they begin with a backslash`)
    return { ...action, specialUse: text }
  },
  tests: [
    test({
      name: 'specialuse_exists',
      parameters: { mailbox: 'text?', uses: 'texts' },
      compile: ({ values: { mailbox, uses } }) =>
        function* (run) {
          const name = mailbox === undefined ? {} : { mailbox: run.text(mailbox) }
          for (const use of run.texts(uses)) {
            run.spend(1)
            if (!(yield* ask({ kind: 'specialUse', ...name, use }))) return false
          }
          return true
        },
    }),
  ],
}
