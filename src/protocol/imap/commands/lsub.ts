/** LSUB: subscribed names, and with `%` their unsubscribed parents. RFC 3501 §6.3.9. */
import { command, signedIn } from '../command.ts'
import { listPatternsMaxBytes } from '../limits.ts'
import { canonicalPattern, listMailboxes } from '../list.ts'
import { speaksRev2 } from '../rev2.ts'
import { encodeMailbox } from '../wire/encode.ts'

export const lsub = command({
  name: 'LSUB',
  states: signedIn,
  tellsExpunge: 'always',

  grammar(line) {
    line.space()
    const reference = line.listMailbox()
    line.space()
    const pattern = line.listMailbox()
    if (reference.length + pattern.length > listPatternsMaxBytes) throw line.fault('a shorter pattern', 'list-mailbox')
    return canonicalPattern(reference + pattern)
  },

  async run(conversation, pattern) {
    const { account, out } = conversation
    const found = listMailboxes(await account.list(), {
      patterns: [pattern],
      selectSubscribed: true,
      selectRemote: false,
      selectSpecialUse: false,
      // `foo/bar` is subscribed, `%` is asked, and `foo` itself is not: LSUB says \Noselect foo.
      recursiveMatch: pattern.endsWith('%'),
    })
    for (const { name, attributes } of found) {
      const subscribed = attributes.includes('\\Subscribed')
      out.text(`* LSUB (${subscribed ? '' : '\\Noselect'}) "/" ${encodeMailbox(name, speaksRev2(conversation))}\r\n`)
    }
  },
})
