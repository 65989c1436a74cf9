// The changes that can be made to a text, and which of them a run makes.
import { transformSync } from 'esbuild'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesUnder, root } from './files.mjs'
import { isStatus, sizeRule } from './sizes.mjs'

// Where code is: comments, strings, templates and regular expressions are blanks of the same length.

/** Behind these a slash begins a regular expression. */
const beforeRegExp = /(?:^|[([{}=,:;!&|?+\-*%<>~]|\b(?:return|typeof|case|of|in|yield|await|throw))\s*$/

/** @returns the code with blanks for what is none, and where the strings are. */
function mask(text) {
  let code = ''
  const strings = []
  for (let at = 0; at < text.length;) {
    const end = endOfToken(text, at, code)
    if (end === at) code += text[at++]
    else {
      if (text[at] === "'") strings.push([at, end])
      code += text.slice(at, end).replace(/[^\n]/g, ' ')
      at = end
    }
  }
  return { code, strings }
}

/** The end of what begins here and is no code; the same place where code is. */
function endOfToken(text, at, code) {
  const next = (found, length) => (found < 0 ? text.length : found + length)
  if (text.startsWith('//', at)) return next(text.indexOf('\n', at), 0)
  if (text.startsWith('/*', at)) return next(text.indexOf('*/', at + 2), 2)
  const open = text[at]
  if (open === '/' && !beforeRegExp.test(code.slice(-200))) return at
  if (open !== "'" && open !== '"' && open !== '`' && open !== '/') return at
  let inClass = false
  for (let end = at + 1; end < text.length; end++) {
    const char = text[end]
    if (char === '\\') end++
    else if (open === '/' && char === '[') inClass = true
    else if (open === '/' && char === ']') inClass = false
    else if (open === '`' && text.startsWith('${', end)) end = endOfHole(text, end + 2)
    else if (char === open && !inClass) return end + 1
  }
  return text.length
}

/** The closing bracket of a template's hole, whatever strings are in it. */
function endOfHole(text, start) {
  let depth = 1
  for (let at = start; at < text.length;) {
    const end = endOfToken(text, at, '=')
    if (end > at) at = end
    else {
      if (text[at] === '{') depth++
      if (text[at] === '}' && --depth === 0) return at
      at++
    }
  }
  return text.length
}

function closing(code, open) {
  let depth = 0
  for (let at = open; at < code.length; at++) {
    if (code[at] === '(') depth++
    if (code[at] === ')' && --depth === 0) return at
  }
  return code.length
}

const swaps = { ' < ': ' <= ', ' <= ': ' < ', ' > ': ' >= ', ' >= ': ' > ', ' === ': ' !== ', ' !== ': ' === ' }

/** Every change of a text: { kind, start, end, to }. */
function changesOf(text) {
  const { code, strings } = mask(text)
  const found = []
  const add = (kind, start, end, to) => found.push({ kind, start, end, to })
  for (const { index, 0: word } of code.matchAll(/\b(?:if|while) \(/g)) {
    const open = index + word.length - 1
    const end = closing(code, open)
    const condition = text.slice(open + 1, end)
    add('condition negated', open + 1, end, `!(${condition})`)
    add('condition dropped', open + 1, end, 'false')
    if (word.startsWith('if')) add('condition dropped', open + 1, end, 'true')
  }
  for (const { index, 0: sign } of code.matchAll(/ (?:[<>]=?|[!=]==) /g))
    add('comparison', index, index + sign.length, swaps[sign])
  for (const { index, 0: sign } of code.matchAll(/&&|\|\|/g))
    add('and/or', index, index + 2, sign === '&&' ? '||' : '&&')
  for (const { index, 0: word } of code.matchAll(/(?<![.\w])(?:true|false)(?!\w)/g))
    add('true/false', index, index + word.length, String(word === 'false'))
  for (const { index, 0: digits } of code.matchAll(/(?<![\w.$#])\d[\d_]*(?![\w.])/g)) {
    const number = Number(digits.replaceAll('_', ''))
    const end = index + digits.length
    const before = code.slice(code.lastIndexOf('\n', index) + 1, index)
    const after = /^.*/.exec(code.slice(end))[0]
    if (/^[45]\d\d$/.test(digits) && digits !== '512' && isStatus(before, after))
      add('status', index, end, String(number < 500 ? number + 100 : number - 100))
    // A millisecond or a byte more of a large number is no difference that a test should tell.
    else if (number < 1000 && !sizeRule(before, after))
      for (const to of [number + 1, number - 1]) if (to >= 0) add('number', index, end, String(to))
  }
  for (const [start, end] of strings)
    if (/^'[245]\.\d\.\d{1,3}[' ]/.test(text.slice(start, end)))
      add('status', start + 1, start + 2, text[start + 1] === '5' ? '4' : '5')
  for (const { index, 0: word } of code.matchAll(/(?<!for )\bawait (?!using)/g))
    add('await dropped', index, index + word.length, '')
  for (const one of statements(code)) add('statement dropped', one.start, one.end, '')
  return found
}

/** Statements of one line that do something: calls, assignments, counts. What only logs is left alone. */
function statements(code) {
  const found = []
  let start = 0
  let before = '{'
  for (const line of code.split('\n')) {
    const statement = line.trim()
    const isCall =
      /^(?:await |void )?[\w#$.?!]+(?:\[[^\]]*\])?(?:\(.*\)|\+\+|--| [-+*|&?^]*= .+)(?:\.\w+\(.*\))*$/.test(statement)
    const words = /^(?:return|throw|if|for|while|switch|const|let|else|case|import|export|super)\b/
    const balanced =
      [...statement].filter((char) => '([{'.includes(char)).length ===
      [...statement].filter((char) => ')]}'.includes(char)).length
    if (isCall && balanced && !words.test(statement) && /[{};)\]\w']$/.test(before) && !/\blog\b/.test(statement)) {
      const from = start + line.indexOf(statement)
      found.push({ start: from, end: from + statement.length })
    }
    if (statement !== '') before = statement
    start += line.length + 1
  }
  return found
}

/** mulberry32: the same changes for the same seed. */
function randomOf(seed) {
  let state = seed >>> 0
  return (end) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end)
  }
}

/** A text with the change made. */
export const apply = (text, { start, end, to }) => text.slice(0, start) + to + text.slice(end)

/** Without types and comments; undefined where it is no program. */
function compiled(text) {
  try {
    return transformSync(text, { loader: 'ts', logLevel: 'silent' }).code
  } catch {
    return undefined
  }
}

/** Kinds have equal chances, whatever their number; a change that compiles to the same program, or to none, is none. */
export function chosen(count, seed, rooms) {
  const random = randomOf(seed)
  const byKind = new Map()
  for (const file of filesUnder('src').sort()) {
    if (/\.test\.ts$|(?:^|\/)index\.ts$/.test(file) || file.includes('/conformance/')) continue
    if (!rooms.some((room) => file.startsWith(join('src', room)))) continue
    for (const change of changesOf(readFileSync(join(root, file), 'utf8'))) {
      const list = byKind.get(change.kind)
      if (list) list.push({ file, ...change })
      else byKind.set(change.kind, [{ file, ...change }])
    }
  }
  const found = []
  while (found.length < count && byKind.size > 0) {
    const kinds = [...byKind.keys()]
    const kind = kinds[random(kinds.length)]
    const list = byKind.get(kind)
    const [change] = list.splice(random(list.length), 1)
    if (list.length === 0) byKind.delete(kind)
    const text = readFileSync(join(root, change.file), 'utf8')
    const after = compiled(apply(text, change))
    if (after !== undefined && after !== compiled(text)) found.push({ ...change, text })
  }
  return found
}

/** Where it is, for people. */
export function lineOf({ text, start, end, to }) {
  const from = text.lastIndexOf('\n', start - 1) + 1
  const stop = text.indexOf('\n', end)
  const after = stop < 0 ? text.length : stop
  const line = text.slice(0, start).split('\n').length
  return {
    line,
    before: text.slice(from, after).trim(),
    after: (text.slice(from, start) + to + text.slice(end, after)).trim(),
  }
}
