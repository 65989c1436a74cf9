/** ENABLE: extensions that change what the server says unasked. RFC 5161. */
import { condstore, enableCondstore } from '../condstore.ts'
import { rev2 } from '../rev2.ts'
import { command, signedIn } from '../command.ts'

/** What can be enabled. */
const enableable = new Map([
  [condstore, condstore],
  [rev2, 'IMAP4rev2'],
])

export const enable = command({
  name: 'ENABLE',
  capability: 'ENABLE',
  states: signedIn,
  tellsExpunge: 'always',

  grammar(line) {
    const names: string[] = []
    do {
      line.space()
      names.push(line.word())
    } while (line.peek() === 0x20)
    return names
  },

  run(conversation, names) {
    // Unknown names are no fault, RFC 5161 §3.1; what was on already is not named again.
    const fresh = [...new Set(names)].filter((name) => enableable.has(name) && !conversation.enabled.has(name))
    conversation.out.text(`* ENABLED${fresh.map((name) => ` ${enableable.get(name)}`).join('')}\r\n`)
    if (fresh.includes(rev2)) conversation.enable(rev2)
    if (fresh.includes(condstore)) enableCondstore(conversation)
  },
})
