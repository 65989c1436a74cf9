/** STAT, LIST and UIDL: how many, how large, which. RFC 1939 §5, §7. */
import { command, messageIndex, type Pop3State } from '../command.ts'
import { listing, ok } from '../reply.ts'

/** One message, or undefined: all of them. */
function oneOrAll(words: readonly string[], state: Pop3State): number | undefined {
  return words.length === 0 ? undefined : messageIndex(state, words[0])
}

/** Of each message that is not deleted: its number and what `tell` says of it. */
function rows(state: Pop3State, tell: (index: number) => string | number): string[] {
  const lines: string[] = []
  state.maildrop.messages.forEach((_, index) => {
    if (!state.deleted.has(index)) lines.push(`${index + 1} ${tell(index)}`)
  })
  return lines
}

function total(state: Pop3State): { count: number; bytes: number } {
  let bytes = 0
  let count = 0
  state.maildrop.messages.forEach(({ sizeBytes }, index) => {
    if (state.deleted.has(index)) return
    count++
    bytes += sizeBytes
  })
  return { count, bytes }
}

export const stat = command({
  name: 'STAT',
  states: ['transaction'],
  run(state) {
    const { count, bytes } = total(state)
    return ok(`${count} ${bytes}`)
  },
})

export const list = command({
  name: 'LIST',
  states: ['transaction'],
  grammar: oneOrAll,
  run(state, index) {
    const size = (at: number): number => state.maildrop.messages[at]!.sizeBytes
    if (index !== undefined) return ok(`${index + 1} ${size(index)}`)
    const { count, bytes } = total(state)
    return listing(state.words.listed(count, bytes), rows(state, size))
  },
})

export const uidl = command({
  name: 'UIDL',
  states: ['transaction'],
  capability: () => ['UIDL'],
  grammar: oneOrAll,
  run(state, index) {
    const id = (at: number): string => state.maildrop.messages[at]!.uidl
    if (index !== undefined) return ok(`${index + 1} ${id(index)}`)
    return listing(state.words.uniqueIds, rows(state, id))
  },
})
