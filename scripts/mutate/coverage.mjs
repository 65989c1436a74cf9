// Which lines of the sources each test file runs, by V8's precise coverage of its own process and of those that it starts and that end
// by themselves (one that is killed leaves none).
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleTests, testEnvironment } from '../bundle-tests.mjs'

const digits = new Map([...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].map((c, n) => [c, n]))

/** Source maps, ECMA-426: numbers in base 64, five bits each, the sign last. @returns [generated line, column, source, line] of each segment. */
function* segments(mappings) {
  let source = 0
  let line = 0
  for (const [generated, text] of mappings.split(';').entries()) {
    let column = 0
    for (const segment of text.split(',')) {
      if (segment === '') continue
      const numbers = []
      let value = 0
      let shift = 0
      for (const char of segment) {
        const digit = digits.get(char)
        value += (digit & 31) << shift
        shift += 5
        if (digit & 32) continue
        numbers.push(value & 1 ? -(value >> 1) : value >> 1)
        value = shift = 0
      }
      column += numbers[0]
      if (numbers.length < 4) continue
      source += numbers[1]
      line += numbers[2]
      yield [generated, column, source, line]
    }
  }
}

/** Bundles by their text: each story builds the program anew, and it is the same. */
const maps = new Map()

/** @returns places of a bundle: { offset, file, line }, the file from the root of the tree; and its length. */
function placesOf(path, tree) {
  if (!existsSync(`${path}.map`)) return undefined
  const text = readFileSync(path, 'utf8')
  const key = createHash('sha1').update(text).digest('hex')
  const known = maps.get(key)
  if (known) return known
  const { sources, mappings } = JSON.parse(readFileSync(`${path}.map`, 'utf8'))
  const files = sources.map((source) => relative(tree, resolve(dirname(path), source)))
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  const places = []
  for (const [generated, column, source, line] of segments(mappings))
    if (files[source].startsWith('src/'))
      places.push({ offset: starts[generated] + column, file: files[source], line: line + 1 })
  const found = { length: text.length, places }
  maps.set(key, found)
  return found
}

/** Inner ranges follow those that hold them. */
function addCovered(lines, { functions }, { length, places }) {
  const ran = new Uint8Array(length)
  for (const { ranges } of functions)
    for (const { startOffset, endOffset, count } of ranges) ran.fill(count > 0 ? 1 : 0, startOffset, endOffset)
  for (const { offset, file, line } of places) {
    if (!ran[offset]) continue
    const known = lines.get(file)
    if (known) known.add(line)
    else lines.set(file, new Set([line]))
  }
}

function linesIn(folder, tree) {
  const lines = new Map()
  for (const name of readdirSync(folder)) {
    const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8'))
    for (const script of result) {
      if (!script.url.startsWith('file:') || script.url.includes('/node_modules/')) continue
      const places = placesOf(fileURLToPath(script.url), tree)
      if (places) addCovered(lines, script, places)
    }
  }
  return lines
}

function run(file, { root, out, folder, limitMs }) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--no-warnings', join(out, file.replace(/\.ts$/, '.js'))], {
      cwd: root,
      stdio: 'ignore',
      env: { ...testEnvironment(root, out), NODE_V8_COVERAGE: folder },
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs)
    child.on('exit', (code) => {
      clearTimeout(timer)
      resolve(code === 0)
    })
  })
}

/** @returns by test file: did it pass, seconds, the lines that it ran by file. */
export async function coverageOf({ tree, place, files, jobs, limitMs }) {
  const out = join(tree, 'build', 'coverage')
  await bundleTests({ root: tree, out, files, sourcemap: 'external' })
  const found = new Map()
  const waiting = [...files]
  const work = async (job) => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const folder = join(place, `coverage-${job}`)
      mkdirSync(folder, { recursive: true })
      const began = Date.now()
      const passed = await run(file, { root: tree, out, folder, limitMs })
      found.set(file, { passed, seconds: (Date.now() - began) / 1000, lines: linesIn(folder, tree) })
      rmSync(folder, { recursive: true, force: true })
    }
  }
  await Promise.all(Array.from({ length: jobs }, (_, job) => work(job)))
  rmSync(out, { recursive: true, force: true })
  return found
}
