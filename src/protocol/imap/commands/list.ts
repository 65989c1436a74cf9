/** LIST, the old form and the extended one. RFC 3501 §6.3.8, RFC 5258, RFC 5819, RFC 6154 §5. */
import { ImapRefusal } from '../backend.ts'
import { command, signedIn } from '../command.ts'
import type { Conversation } from '../command.ts'
import { listPatternsMaxBytes, listPatternsMax } from '../limits.ts'
import { canonicalPattern, listMailboxes } from '../list.ts'
import type { ListedMailbox } from '../list.ts'
import { speaksRev2 } from '../rev2.ts'
import { statusItems, tellStatus } from '../status.ts'
import type { StatusItem } from '../status.ts'
import { encodeMailbox } from '../wire/encode.ts'
import type { Line } from '../wire/line.ts'

interface ListArguments {
  readonly patterns: readonly string[]
  readonly selection: ReadonlySet<string>
  readonly returns: ReadonlySet<string>
  readonly statusItems: readonly StatusItem[]
  /** The old form with an empty pattern: only the delimiter is asked. */
  readonly rootOnly: boolean
  readonly extended: boolean
}

/** Options are a handful of words. */
const listOptionsMax = 10

export const list = command({
  name: 'LIST',
  states: signedIn,
  tellsExpunge: 'always',
  grammar,

  async run(conversation, query: ListArguments) {
    const { account, out } = conversation
    if (query.rootOnly) return void out.text('* LIST (\\Noselect) "/" ""\r\n')
    const { selection, returns } = query
    const found = listMailboxes(await account.list(), {
      patterns: query.patterns,
      selectSubscribed: selection.has('SUBSCRIBED'),
      selectRemote: selection.has('REMOTE'),
      selectSpecialUse: selection.has('SPECIAL-USE'),
      recursiveMatch: selection.has('RECURSIVEMATCH'),
    })
    for (const mailbox of found) {
      tellMailbox(conversation, mailbox, query)
      if (returns.has('STATUS') && mailbox.selectable) await status(conversation, mailbox.name, query.statusItems)
    }
  },
})

function tellMailbox(
  conversation: Conversation,
  mailbox: ListedMailbox,
  { selection, returns, ...form }: ListArguments,
) {
  const { out } = conversation
  const extended = form.extended || speaksRev2(conversation)
  const subscriptions = selection.has('SUBSCRIBED') || returns.has('SUBSCRIBED')
  const attributes = mailbox.attributes.filter(
    (name) =>
      (name !== '\\Subscribed' || subscriptions) &&
      // The old form knows only \Noselect; \NonExistent implies it in the new one. RFC 5258 §3.
      (name !== '\\NonExistent' || extended) &&
      (name !== '\\Noselect' || !extended || !mailbox.attributes.includes('\\NonExistent')),
  )
  const childInfo = mailbox.childInfo ? ' ("CHILDINFO" ("SUBSCRIBED"))' : ''
  out.text(
    `* LIST (${attributes.join(' ')}) "/" ${encodeMailbox(mailbox.name, speaksRev2(conversation))}${childInfo}\r\n`,
  )
}

/** RFC 5819 §2: a mailbox whose STATUS fails is listed all the same. */
async function status(conversation: Conversation, name: string, items: readonly StatusItem[]): Promise<void> {
  try {
    await tellStatus(conversation, name, items)
  } catch (error) {
    if (!(error instanceof ImapRefusal)) throw error
  }
}

function grammar(line: Line): ListArguments {
  line.space()
  const selection = new Set<string>()
  let extended = false
  if (line.atList) {
    extended = true
    options(line, (name) => {
      if (!['SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE'].includes(name))
        throw line.fault('a selection option', 'list-select-opt')
      selection.add(name)
    })
    line.space()
  }
  // RFC 5258 §3.1: it modifies another option and cannot stand alone.
  if (selection.has('RECURSIVEMATCH') && !selection.has('SUBSCRIBED') && !selection.has('SPECIAL-USE'))
    throw line.fault('SUBSCRIBED beside RECURSIVEMATCH', 'list-select-opts')
  const reference = line.listMailbox()
  line.space()
  let patterns: string[]
  if (line.atList) {
    extended = true
    patterns = line.list(() => line.listMailbox(), listPatternsMax, 'patterns')
  } else patterns = [line.listMailbox()]
  const returns = new Set<string>()
  let items: StatusItem[] = []
  if (line.tries(' ')) {
    extended = true
    if (line.word() !== 'RETURN') throw line.fault('RETURN', 'list-return-opts')
    line.space()
    options(line, (name) => {
      if (!['SUBSCRIBED', 'CHILDREN', 'SPECIAL-USE', 'STATUS'].includes(name))
        throw line.fault('a return option', 'return-option')
      returns.add(name)
      if (name !== 'STATUS') return
      line.space()
      items = statusItems(line)
    })
  }
  if (patterns.reduce((sum, pattern) => sum + reference.length + pattern.length, 0) > listPatternsMaxBytes)
    throw line.fault('shorter patterns', 'list-mailbox')
  return {
    patterns: patterns.map((pattern) => canonicalPattern(reference + pattern)),
    selection,
    returns,
    statusItems: items,
    rootOnly: !extended && patterns[0] === '',
    extended,
  }
}

function options(line: Line, take: (name: string) => void): void {
  line.takes('(', 'list-select-opts')
  for (let count = 0; !line.tries(')'); count++) {
    if (count > 0) line.space()
    if (count >= listOptionsMax) throw line.fault('fewer options', 'list-select-opts')
    take(line.word())
  }
}
