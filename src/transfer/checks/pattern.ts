/** Patterns of an operator for headers and bodies: as `/words/` or `/words/i`, refused where they could take for ever. */

export type Pattern =
  { readonly kind: 'pattern'; readonly expression: RegExp } | { readonly kind: 'fault'; readonly problem: string }

/** Nobody reads a longer one. */
const patternLengthMax = 2000

/** @param text between slashes; `i`: whatever the case. `^` and `$` are the ends of a line. */
export function parsePattern(text: string): Pattern {
  const match = /^\/(.+)\/(i?)$/s.exec(text)
  if (!match || text.length > patternLengthMax)
    return { kind: 'fault', problem: 'must stand between slashes, as "/^Subject: lottery/i"' }
  const [, source = '', flags = ''] = match
  // Of this kind each further character can double the time, and a message has a great many.
  if (isNested(source))
    return {
      kind: 'fault',
      problem:
        'repeats what is repeated already, as (a+)+ does: a message made for it would hold everything up. Give one of them a bound, as {1,9}',
    }
  try {
    return { kind: 'pattern', expression: new RegExp(source, `m${flags}`) }
  } catch (error) {
    return {
      kind: 'fault',
      problem: `is no pattern: ${(error as Error).message.replace(/^Invalid regular expression: /, '')}`,
    }
  }
}

/** Whether a group that holds an unbounded repetition is itself repeated without a bound. */
function isNested(source: string): boolean {
  /** For each open group, whether something in it is repeated. */
  const open: boolean[] = []
  let closed = false
  let inClass = false
  for (let at = 0; at < source.length; at++) {
    const char = source[at]!
    const wasClosed = closed
    closed = false
    if (char === '\\') at++
    else if (inClass) inClass = char !== ']'
    else if (char === '[') inClass = true
    else if (char === '(') open.push(false)
    else if (char === ')') {
      closed = open.pop() ?? false
      if (closed && open.length > 0) open[open.length - 1] = true
    } else if (isUnbounded(source, at)) {
      if (wasClosed) return true
      if (open.length > 0) open[open.length - 1] = true
    }
  }
  return false
}

function isUnbounded(source: string, at: number): boolean {
  const char = source[at]
  return char === '*' || char === '+' || (char === '{' && /^\{\d+,\}/.test(source.slice(at, at + 12)))
}
