/** Answers a SEARCH that asks for flags and numbers only, from the tables in memory: what clients ask most, as UNSEEN. */
import { flagWordBits } from '../../../mail/flags.ts'
import type { SearchKey } from '../../../mail/search-key.ts'
import type { ImapSelected, MessageTable } from '../backend.ts'
import type { View } from '../view.ts'

type Test = (index: number) => boolean

/** Undefined when the key needs more than flags and UIDs, or when expunges wait to be told. */
export function searchTables(key: SearchKey, view: View): Uint32Array | undefined {
  const table = view.selected.table()
  if (!view.isCurrent(table)) return undefined
  const test = testOf(key, table, view.selected)
  if (!test) return undefined
  const found = new Uint32Array(view.count)
  let size = 0
  for (let i = 0; i < view.count; i++) if (test(i)) found[size++] = table.uids[i]!
  return found.subarray(0, size)
}

function testOf(key: SearchKey, table: MessageTable, selected: ImapSelected): Test | undefined {
  switch (key.kind) {
    case 'all':
      return () => true
    case 'and': {
      const tests = key.keys.map((one) => testOf(one, table, selected))
      if (tests.includes(undefined)) return undefined
      return (index) => tests.every((test) => test!(index))
    }
    case 'or': {
      const left = testOf(key.left, table, selected)
      const right = testOf(key.right, table, selected)
      return left && right && ((index) => left(index) || right(index))
    }
    case 'not': {
      const test = testOf(key.key, table, selected)
      return test && ((index) => !test(index))
    }
    case 'modSeq': {
      const { modSeqs } = table
      return (index) => modSeqs[index]! >= key.least
    }
    case 'flag':
      return flagTest(key.flag, table, selected)
    case 'uid': {
      const { uids } = table
      const { ranges } = key
      // Indexes come in ascending order: one pass over the ranges.
      let at = 0
      return (index) => {
        const uid = uids[index]!
        if (at > 0 && ranges[at - 1]![1] >= uid) at = 0
        while (at < ranges.length && ranges[at]![1] < uid) at++
        return at < ranges.length && ranges[at]![0] <= uid
      }
    }
  }
  return undefined
}

function flagTest(flag: string, { flagsLow, flagsHigh }: MessageTable, selected: ImapSelected): Test {
  const lower = flag.toLowerCase()
  const bit = selected.flagNames().findIndex((name) => name?.toLowerCase() === lower)
  if (bit < 0) return () => false
  const words = bit < flagWordBits ? flagsLow : flagsHigh
  const mask = 1 << (bit % flagWordBits)
  return (index) => (words[index]! & mask) !== 0
}
