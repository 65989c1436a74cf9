/** STAT, LIST and UIDL: how many, how large, which. RFC 1939 §5, §7. */
import { messageIndex, type Pop3Command } from '../command.ts'
import { listing, ok } from '../reply.ts'
import type { Pop3State } from '../state.ts'

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

export const stat: Pop3Command = {
  name: 'STAT',
  state: 'transaction',
  run(state) {
    const { count, bytes } = total(state)
    return ok(`${count} ${bytes}`)
  },
}

export const list: Pop3Command = {
  name: 'LIST',
  state: 'transaction',
  run(state, args) {
    const size = (index: number): number => state.maildrop.messages[index]!.sizeBytes
    if (args.length > 0) {
      const index = messageIndex(state, args[0])
      return ok(`${index + 1} ${size(index)}`)
    }
    const { count, bytes } = total(state)
    return listing(state.words.listed(count, bytes), rows(state, size))
  },
}

export const uidl: Pop3Command = {
  name: 'UIDL',
  state: 'transaction',
  capa: () => ['UIDL'],
  run(state, args) {
    const id = (index: number): string => state.maildrop.messages[index]!.uidl
    if (args.length === 0) return listing(state.words.uniqueIds, rows(state, id))
    const index = messageIndex(state, args[0])
    return ok(`${index + 1} ${id(index)}`)
  },
}
