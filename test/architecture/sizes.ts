/** How long functions are, and how many collections a class holds, read from the text: the formatter's indentation tells both. */

export interface Sized {
  readonly name: string
  /** Lines of a function, or collections of a class. */
  readonly size: number
}

const keyword = /^(?:if|for|while|switch|catch|else|do|try|return|await)\b/
const openers = [
  // function name(…) {   and   export async function* name(…): T {
  /\bfunction\b.*\{$/,
  // (…) => {
  /=> \{$/,
  // ): T {   of a signature on several lines
  /^\) ?(?::.*)? ?\{$/,
  // name(…): T {   and   async *#name(…) {
  /^(?:(?:static|async|get|set) )*\*?[#\w[\].]+(?:<.*>)?\(.*\)(?:: .+)? \{$/,
]

/** Each function of a source with its lines, from the line that opens its body to the one that closes it. */
export function functionsOf(text: string): Sized[] {
  const lines = text.split('\n')
  const found: Sized[] = []
  for (const [at, line] of lines.entries()) {
    const indent = line.length - line.trimStart().length
    const words = line.trim()
    if (keyword.test(words) || !openers.some((opener) => opener.test(words))) continue
    const closing = new RegExp(`^ {${indent}}\\}`)
    const end = lines.findIndex((other, i) => i > at && closing.test(other))
    if (end < 0) continue
    found.push({ name: nameOf(lines, at, indent), size: end - at + 1 })
  }
  return found
}

/** The name stands on the line itself, or on the first line of a signature that is spread over several. */
function nameOf(lines: readonly string[], at: number, indent: number): string {
  let start = at
  if (lines[at]!.trim().startsWith(')'))
    while (start > 0 && (start === at || lines[start]!.search(/\S/) > indent)) start--
  const words = lines[start]!.trim()
  return (
    /(?:function\*? |const |let )?(#?\w+)(?=[ :]*(?:<.*>)?[(=])/.exec(
      words.replace(/^(?:export |async |static )+/, ''),
    )?.[1] ?? words
  )
}

const collection = /^ {2}(?:readonly |static |declare )*#?\w+(?:: [^=]*)? = (?:new \w*(?:Map|Set)\b.*|\[\])$/

/** Each class of a source with its fields that are maps, sets and lists. */
export function classesOf(text: string): Sized[] {
  return [...text.matchAll(/^(?:export )?(?:abstract )?class (\w+)[^]*?^\}/gm)].map(([body, name]) => ({
    name: name!,
    size: body.split('\n').filter((line) => collection.test(line)).length,
  }))
}
