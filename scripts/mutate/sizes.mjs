// Numbers that are only the size of a step, a cache or a buffer: one more or less of it changes what the work costs and nothing that a
// user, a peer or an operator could see. Limits that somebody can run into (recipients, failures, depths, lengths) are not among them.

/** A row of `const name = …` in which the number stands, up to the number. */
const declaration = /^(?:export )?const (\w+) = ((?:[\d_]+ \* )*)$/

/** Rows and commits that are worked off at a time; the next step goes on behind them. */
const steps =
  /^(?:\w*[rR]ows|rowsMax|pageRowsMax|actMax|askedMax|leaseMax|turnsLookedMax|bornMax|groupCommitsMax|looksAtATime|walAskedEvery)$/

/** Entries that are remembered, files and threads that are kept open, room that is made ahead: without them the work is done anew. */
const memories =
  /^(?:parsedMax|contextsMax|lingeringMax|rememberedMax|openMax|spareMin|capacityMin|underWayMax|readersAheadMax|searchersMax|entryBytes)$/

/** A time under a second, of our own clock: no test asserts a time. */
const shortTime = /Ms$/

/**
 * @param before the line up to the number
 * @param after the line behind it
 * @returns the rule by which a change of the number by one tells nothing, or undefined.
 */
export function sizeRule(before, after) {
  const [, name, factors] = declaration.exec(before) ?? []
  if (name === undefined) return undefined
  // 64 KB or 65 KB: as with bytes that are counted singly, of which changes.mjs leaves out a thousand and more. A default is documented.
  if (/^ \* 1024\b/.test(after) && !name.endsWith('Default')) return 'kilobytes'
  if (factors !== '' || after.trim() !== '') return undefined
  if (steps.test(name)) return 'step'
  if (memories.test(name)) return 'memory'
  return shortTime.test(name) ? 'short time' : undefined
}

/** `const leaseMax = 500`: three digits that are the whole of a constant are a number, if its name says no code. */
export function isStatus(before, after) {
  const [, name] = declaration.exec(before) ?? []
  return name === undefined || after.trim() !== '' || /[cC]ode$/.test(name)
}
