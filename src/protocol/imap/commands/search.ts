/** SEARCH and UID SEARCH. RFC 3501 §6.4.4; RETURN options: RFC 4731 §3.1, RFC 5182 §2.1. */
import type { Uid } from '../../../mail/ids.ts'
import { decodeCharset } from '../../../mail/mime/charset.ts'
import type { SearchKey } from '../../../mail/search-key.ts'
import { ImapRefusal } from '../backend.ts'
import { command } from '../command.ts'
import type { Conversation } from '../command.ts'
import { enableCondstore } from '../condstore.ts'
import { MessageCursor } from '../fetch/flags.ts'
import { SearchGrammar } from '../search/grammar.ts'
import { searchTables } from '../search/tables.ts'
import { speaksRev2 } from '../rev2.ts'
import { encodeString } from '../wire/encode.ts'
import type { Line } from '../wire/line.ts'
import { formatNumberSet } from '../wire/sequence-set.ts'

const all: ReadonlySet<string> = new Set(['ALL'])

/** What a client is told to take; every charset that mail is read in is understood. */
const charsets = ['US-ASCII', 'UTF-8']

const none = new Uint8Array(0)

export const search = command({
  name: 'SEARCH',
  uid: true,
  states: ['selected'],
  tellsExpunge: 'uid',

  grammar(line, { view }) {
    line.space()
    const returns = returnOptions(line)
    let charset: string | undefined
    if (line.triesWord('CHARSET')) {
      line.space()
      charset = line.astring()
      // A charset that we do not know makes the rest unreadable: no fault of its spelling. RFC 3501 §7.1.
      if (decodeCharset(none, charset) === undefined) {
        line.at = line.end
        return { returns, key: undefined, asksModSeq: false }
      }
      line.space()
    }
    const grammar = new SearchGrammar(line, view, charset)
    const key = grammar.program()
    return { returns, key, asksModSeq: grammar.asksModSeq }
  },

  async *run(conversation, { returns: asked, key, asksModSeq }) {
    // RFC 9051 §6.4.4: the answer is an ESEARCH, asked or not.
    const returns = asked ?? (speaksRev2(conversation) ? all : undefined)
    // A search that fails leaves nothing saved. RFC 9051 §6.4.4.1.
    if (returns?.has('SAVE')) conversation.view.save(new Uint32Array(0))
    if (!key) throw new ImapRefusal(`BADCHARSET (${charsets.join(' ')})`, 'Unknown charset')
    const { view, out, tag, byUid } = conversation
    if (asksModSeq) enableCondstore(conversation)
    const uids = yield* found(conversation, key)
    if (!returns) {
      const numbers = byUid ? uids : sequences(conversation, uids)
      if (numbers.length === 0) return out.text('* SEARCH\r\n')
      const modSeq = asksModSeq ? ` (MODSEQ ${highest(conversation, uids)})` : ''
      return out.text(`* SEARCH ${numbers.join(' ')}${modSeq}\r\n`)
    }
    if (returns.has('SAVE')) view.save(told(uids, returns))
    // Only SAVE: nothing is said. RFC 5182 §2.1.
    if (returns.size === 1 && returns.has('SAVE')) return
    const numbers = byUid ? uids : sequences(conversation, uids)
    let text = `* ESEARCH (TAG ${encodeString(tag)})${byUid ? ' UID' : ''}`
    if (numbers.length > 0) {
      if (returns.has('MIN')) text += ` MIN ${numbers[0]}`
      if (returns.has('MAX')) text += ` MAX ${numbers[numbers.length - 1]}`
      if (returns.has('ALL')) text += ` ALL ${formatNumberSet(numbers)}`
    }
    if (returns.has('COUNT')) text += ` COUNT ${numbers.length}`
    if (asksModSeq && uids.length > 0) text += ` MODSEQ ${highest(conversation, told(uids, returns))}`
    out.text(text + '\r\n')
  },
})

function returnOptions(line: Line): Set<string> | undefined {
  if (!line.triesWord('RETURN')) return undefined
  line.space()
  line.takes('(', 'search-return-opts')
  const options = new Set<string>()
  while (!line.tries(')')) {
    if (options.size > 0) line.space()
    const at = line.at
    const word = line.word()
    if (!['MIN', 'MAX', 'ALL', 'COUNT', 'SAVE'].includes(word) || options.has(word)) {
      line.at = at
      throw line.fault('a return option', 'search-return-opt')
    }
    options.add(word)
  }
  line.space()
  // RFC 4731 §3.1: an empty list means ALL.
  return options.size === 0 ? new Set(['ALL']) : options
}

/** The told UIDs that match, ascending. */
async function* found({ view, selected, out }: Conversation, key: SearchKey) {
  const quick = searchTables(key, view)
  if (quick) return quick
  if (view.count === 0) return new Uint32Array(0)
  let wake = (): void => {}
  const work = selected.search(key, view.within(), () => wake())
  // Should the driver end us at a pause, its failure must not end the process.
  work.catch(() => {})
  let uids: Uint32Array | undefined
  while (!uids) {
    const tick = new Promise<undefined>((resolve) => (wake = () => resolve(undefined)))
    uids = await Promise.race([work, tick])
    if (uids) break
    // Keeps what stands between us awake; and of a client that has gone, its system answers that it has.
    out.text('* OK Still searching\r\n')
    yield out.take()
  }
  return uids.every((uid) => view.sequenceOf(uid as Uid) > 0)
    ? uids
    : uids.filter((uid) => view.sequenceOf(uid as Uid) > 0)
}

function highest({ view, selected }: Conversation, uids: Uint32Array): number {
  const { modSeqs } = selected.table()
  const cursor = new MessageCursor(view)
  let most = 1
  for (const uid of uids) {
    const index = cursor.find(uid)
    if (index >= 0) most = Math.max(most, modSeqs[index]!)
  }
  return most
}

function sequences({ view }: Conversation, uids: Uint32Array): Uint32Array {
  let hint = 0
  return uids.map((uid) => (hint = view.sequenceOf(uid as Uid, hint)))
}

/** What the answer is about: with MIN or MAX and neither ALL nor COUNT only those ends. RFC 5182 §2.4, RFC 7162 §3.1.10. */
function told(uids: Uint32Array, returns: ReadonlySet<string>): Uint32Array {
  if (uids.length === 0 || returns.has('ALL') || returns.has('COUNT')) return uids
  const ends = new Set<number>()
  if (returns.has('MIN')) ends.add(uids[0]!)
  if (returns.has('MAX')) ends.add(uids[uids.length - 1]!)
  return ends.size === 0 ? uids : Uint32Array.from(ends)
}
