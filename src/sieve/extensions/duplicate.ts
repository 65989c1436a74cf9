/** The extension `duplicate`. RFC 7352. The host remembers; the run says what is to be remembered once it is done. */
import { test, type Extension } from '../declare.ts'
import { shown } from '../match.ts'
import { ask, type DuplicateQuestion } from '../question.ts'

/** RFC 7352 §3.3 leaves the default to the site: a week, after which mailers have given up. */
const secondsDefault = 7 * 24 * 3600

export const duplicate: Extension = {
  capabilities: ['duplicate'],
  tests: [
    test({
      name: 'duplicate',
      parameters: {},
      tags: [
        { name: 'handle', argument: 'text' },
        { name: 'header', group: 'id', argument: 'text' },
        { name: 'uniqueid', group: 'id', argument: 'text' },
        { name: 'seconds', argument: 'number' },
        { name: 'last' },
      ],
      compile({ tags }) {
        const handle = tags.text('handle') ?? ''
        const header = tags.text('header') ?? 'message-id'
        const uniqueId = tags.text('uniqueid')
        return function* (run) {
          const name = run.text(header)
          const id = uniqueId === undefined ? run.header.values(name)[0]?.text : run.text(uniqueId)
          // Without an id there is nothing to remember. RFC 7352 §3.1.
          if (id === undefined) return false
          const question: DuplicateQuestion = {
            kind: 'duplicate',
            handle: run.text(handle),
            id,
            seconds: tags.number('seconds') ?? secondsDefault,
            last: tags.has('last'),
          }
          const isSeen = yield* ask(question)
          // Once the time has run out it begins anew; with :last it begins anew with each message. RFC 7352 §3.3.
          if (!isSeen || question.last) run.rememberOnce(question)
          if (run.isExplained) run.because = `${shown(id)} was ${isSeen ? '' : 'not '}seen before`
          return isSeen
        }
      },
    }),
  ],
}
