// Changes the source in small ways at random, one at a time in a copy of the tree, and prints the changes that no test tells of.
//   node scripts/mutate.mjs [--seed 1] [--room protocol/pop3] … [--count 25] [--limit 240] [--list]
// --room: folders or files under src/, all of it by default. --limit: seconds for each group of tests. --list: only prints the changes.
// The tests of a file are those that import it, nearest first; the first that fails ends the search. A change on which they hang is found.
import { build, transformSync } from 'esbuild'
import { spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    room: { type: 'string', multiple: true, default: [''] },
    count: { type: 'string', default: '25' },
    limit: { type: 'string', default: '240' },
    list: { type: 'boolean', default: false },
  },
})
const limitMs = Number(values.limit) * 1000
/** Simulation and growth are left out: they take minutes, and tell of what the others tell. Files of tests in each group: the nearest, then those around, then the rest as far as it goes. */
const groupSizes = [3, 8, 12]

// --- Where code is: comments, strings, templates and regular expressions are blanks of the same length.

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

// --- The changes.

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
    if (/^[45]\d\d$/.test(digits) && digits !== '512')
      add('status', index, end, String(number < 500 ? number + 100 : number - 100))
    // A millisecond or a byte more of a large number is no difference that a test should tell.
    else if (number < 1000)
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

// --- Which ones.

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

function filesUnder(folder, found = []) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) filesUnder(path, found)
    else if (entry.name.endsWith('.ts')) found.push(path)
  }
  return found
}

const apply = (text, { start, end, to }) => text.slice(0, start) + to + text.slice(end)

/** Without types and comments; undefined where it is no program. */
function compiled(text) {
  try {
    return transformSync(text, { loader: 'ts', logLevel: 'silent' }).code
  } catch {
    return undefined
  }
}

/** Kinds have equal chances, whatever their number; a change that compiles to the same program, or to none, is none. */
function chosen(count, random) {
  const byKind = new Map()
  for (const file of filesUnder('src').sort()) {
    if (/\.test\.ts$|(?:^|\/)index\.ts$/.test(file) || file.includes('/conformance/')) continue
    if (!values.room.some((room) => file.startsWith(join('src', room)))) continue
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

// --- The tests of a file.

/** Who imports a file, by the bundler; threads and programs are named by their file alone. */
async function importers() {
  const tests = [...filesUnder('src'), ...filesUnder('test')].filter((file) => file.endsWith('.test.ts'))
  // What starts as a program or a thread is named by its file, and not imported.
  const started = [...filesUnder('src'), ...filesUnder('test')].filter((file) => /\.(?:worker|program)\.ts$/.test(file))
  const others = [...started, 'src/main.ts']
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [...tests, ...others],
    outdir: 'build/none',
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'silent',
  })
  const by = new Map()
  const add = (file, importer) => by.set(file, [...(by.get(file) ?? []), importer])
  for (const [importer, { imports }] of Object.entries(metafile.inputs)) {
    for (const { path, external } of imports) if (!external) add(path, importer)
    const text = readFileSync(join(root, importer), 'utf8')
    for (const file of others) if (file !== importer && names(text, file)) add(file, importer)
  }
  return by
}

function names(text, file) {
  const name = basename(file, '.ts')
  return (
    text.includes(name === 'main' ? "'main.ts'" : name) ||
    (name.endsWith('.worker') && text.includes(`'${name.slice(0, -7)}'`))
  )
}

/** Test files that reach it, in groups, the nearest first. */
function testsOf(file, by) {
  const own = file.replace(/\.ts$/, '.test.ts')
  const steps = new Map([[file, 0]])
  for (const one of steps.keys())
    for (const importer of by.get(one) ?? []) if (!steps.has(importer)) steps.set(importer, steps.get(one) + 1)
  const room = dirname(file)
  // The room's own tests before those of others that are as near.
  const far = (test) => steps.get(test) + (test === own ? -100 : test.startsWith(room) ? -1 : 0)
  const tests = [...steps.keys()]
    .filter((path) => path.endsWith('.test.ts') && !/^test\/(?:simulation|growth)\//.test(path))
    .sort((a, b) => far(a) - far(b) || (a < b ? -1 : 1))
  const groups = groupSizes.map((size) => tests.splice(0, size))
  return groups.filter((group) => group.length > 0)
}

// --- The copy, and a run of tests in it.

const place = mkdtempSync(join(tmpdir(), 'pennypost-mutate-'))
const copy = join(place, 'pennypost')

function makeCopy() {
  const left = new Set(['node_modules', 'build', '.git', 'data'])
  mkdirSync(copy)
  for (const entry of readdirSync(root))
    if (!left.has(entry)) cpSync(join(root, entry), join(copy, entry), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  // Published vectors lie beside the checkout.
  const shared = join(root, '..', 'shared')
  if (existsSync(shared)) symlinkSync(shared, join(place, 'shared'))
}

/** Ends the tests that run. */
let endRun = () => {}
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    endRun()
    rmSync(place, { recursive: true, force: true })
    process.exit(1)
  })

/** @returns 'passed', 'failed' at the first test that does, or 'hung'; and the first title that failed. */
function runTests(files) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(copy, 'scripts', 'test.mjs'), '--test-reporter=tap', ...files], {
      cwd: copy,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let outcome = { kind: 'passed' }
    let heard = ''
    // The group of the child alone: it is ours.
    const end = (signal) => {
      try {
        process.kill(-child.pid, signal)
      } catch {}
    }
    const stop = (kind, title) => {
      if (outcome.kind === 'passed') outcome = { kind, title }
      end('SIGTERM')
      setTimeout(() => end('SIGKILL'), 2000).unref()
    }
    endRun = () => end('SIGKILL')
    const timer = setTimeout(() => stop('hung', `no end after ${values.limit} s`), limitMs)
    const listen = (chunk) => {
      heard = (heard + chunk).slice(-20_000)
      const failed = /^\s*not ok \d+ - (.*)\n/m.exec(heard)
      if (failed) stop('failed', failed[1])
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    child.on('exit', (code) => {
      clearTimeout(timer)
      end('SIGKILL')
      if (outcome.kind === 'passed' && code !== 0) outcome = { kind: 'failed', title: heard.trim().split('\n').at(-1) }
      resolve(outcome)
    })
  })
}

// --- The run.

function lineOf({ text, start, end, to }) {
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

async function main() {
  const changes = chosen(Number(values.count), randomOf(Number(values.seed)))
  if (changes.length === 0) throw new Error(`no change is possible in ${values.room.join(', ')}`)
  if (values.list) {
    for (const change of changes) {
      const { line, before, after } = lineOf(change)
      console.log(`${change.file}:${line} ${change.kind}\n  - ${before}\n  + ${after}`)
    }
    return
  }
  makeCopy()
  const by = await importers()
  const groupsOf = new Map(changes.map(({ file }) => [file, testsOf(file, by)]))
  console.log(`${changes.length} changes, seed ${values.seed}`)
  const sound = new Map()
  /** The same tests without a change, once: those that fail anyway tell nothing. */
  const areSound = async (group) => {
    const key = group.join(' ')
    if (!sound.has(key)) {
      const outcome = await runTests(group)
      sound.set(key, outcome.kind === 'passed')
      if (outcome.kind !== 'passed') console.log(`left out, they fail without a change (${outcome.title}): ${key}`)
    }
    return sound.get(key)
  }
  const survivors = []
  for (const [n, change] of changes.entries()) {
    const file = join(copy, change.file)
    const began = Date.now()
    writeFileSync(file, apply(change.text, change))
    let outcome = { kind: 'passed' }
    for (const [nth, group] of groupsOf.get(change.file).entries()) {
      outcome = await runTests(group)
      // On a busy machine a story may fail by itself: farther away a failure is believed when it comes again.
      if (outcome.kind === 'failed' && nth > 0) outcome = await runTests(group)
      if (outcome.kind === 'passed') continue
      writeFileSync(file, change.text)
      if (await areSound(group)) break
      writeFileSync(file, apply(change.text, change))
      outcome = { kind: 'passed' }
    }
    writeFileSync(file, change.text)
    const { line, before, after } = lineOf(change)
    if (outcome.kind === 'passed') survivors.push({ ...change, line, before, after })
    const word = outcome.kind === 'passed' ? 'SURVIVED' : outcome.kind === 'hung' ? 'found (hung)' : 'found'
    const seconds = Math.round((Date.now() - began) / 1000)
    console.log(
      `${n + 1} ${word} ${change.file}:${line} ${change.kind}, ${seconds} s${outcome.title ? `: ${outcome.title}` : ''}`,
    )
  }
  for (const { file, line, kind, before, after } of survivors)
    console.log(`\n${file}:${line} ${kind}\n  - ${before}\n  + ${after}`)
  const found = changes.length - survivors.length
  console.log(
    `\n${changes.length} changes, ${found} found (${Math.round((100 * found) / changes.length)} %), ${survivors.length} survived`,
  )
}

try {
  await main()
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
} finally {
  rmSync(place, { recursive: true, force: true })
}
