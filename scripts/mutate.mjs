// Changes the source in small ways at random, one at a time in a copy of the tree, and prints the changes that no test tells of.
//   node scripts/mutate.mjs [--seed 1] [--room protocol/pop3] … [--count 25] [--from 1] [--only 3,7] [--limit 240] [--jobs 2] [--list]
// --room: folders or files under src/, all of it by default. --from: goes on at this change. --only: these changes by their numbers.
// --limit: seconds for each group of tests at most. --jobs: copies that work side by side. --list: only prints the changes.
// The same seed makes the same changes of the same sources: to see those of another commit, list them in a checkout of it.
// The tests of a line are those that run it, nearest first; the first that fails ends the search. A change on which they hang is found.
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { testFiles } from './bundle-tests.mjs'
import { apply, chosen, lineOf } from './mutate/changes.mjs'
import { Copy } from './mutate/copy.mjs'
import { coverageOf } from './mutate/coverage.mjs'
import { filesUnder, root } from './mutate/files.mjs'
import { importers, isFar, testsOf } from './mutate/tests.mjs'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    room: { type: 'string', multiple: true, default: [''] },
    count: { type: 'string', default: '25' },
    from: { type: 'string', default: '1' },
    only: { type: 'string' },
    limit: { type: 'string', default: '240' },
    jobs: { type: 'string', default: '2' },
    list: { type: 'boolean', default: false },
  },
})
const limitMs = Number(values.limit) * 1000
const place = mkdtempSync(join(tmpdir(), 'pennypost-mutate-'))
// Some stories become another user, who has to reach the program.
chmodSync(place, 0o755)
const copies = []

for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    for (const copy of copies) copy.endRun()
    rmSync(place, { recursive: true, force: true })
    process.exit(1)
  })

/** Remembered as long as no source and no test changes. */
async function knownCoverage() {
  const files = testFiles(root, 'unit').filter((file) => !isFar(file))
  const hash = createHash('sha1')
  for (const file of [...filesUnder('src'), ...filesUnder('test')]) hash.update(readFileSync(join(root, file)))
  const path = join(root, 'build', `coverage-${hash.digest('hex')}.json`)
  if (existsSync(path)) {
    const found = JSON.parse(readFileSync(path, 'utf8'))
    return new Map(found.map(([test, one]) => [test, { ...one, lines: mapOfSets(one.lines) }]))
  }
  const coverage = await coverageOf({ tree: copies[0].tree, place, files, jobs: Number(values.jobs), limitMs })
  mkdirSync(join(root, 'build'), { recursive: true })
  const rows = [...coverage].map(([test, one]) => [test, { ...one, lines: listsOf(one.lines) }])
  writeFileSync(path, JSON.stringify(rows))
  return coverage
}

const listsOf = (lines) => [...lines].map(([file, numbers]) => [file, [...numbers]])
const mapOfSets = (lists) => new Map(lists.map(([file, numbers]) => [file, new Set(numbers)]))

/** Tests that do not end are given up, in good time where they are short. */
const timeFor = (group, coverage) =>
  Math.min(limitMs, 40_000 + group.reduce((sum, test) => sum + 5000 * coverage.get(test).seconds, 0))

/** The same tests without a change, once: those that fail anyway tell nothing. */
const sound = new Map()
async function areSound(copy, group, coverage) {
  const key = group.join(' ')
  if (!sound.has(key)) {
    const { kind, title } = await copy.runTests(group, timeFor(group, coverage))
    sound.set(key, kind === 'passed')
    if (kind !== 'passed') console.log(`they fail without a change (${title}): ${key}`)
  }
  return sound.get(key)
}

/** Makes the change in a copy and runs its tests until one tells. */
async function outcomeOf(copy, change, groups, coverage) {
  const run = async (group) => {
    copy.write(change.file, apply(change.text, change))
    const outcome = await copy.runTests(group, timeFor(group, coverage))
    copy.write(change.file, change.text)
    return outcome
  }
  for (const [nth, group] of groups.entries()) {
    let outcome = await run(group)
    // On a busy machine a story may fail by itself: farther away a failure is believed when it comes again.
    if (outcome.kind === 'failed' && nth > 0) outcome = await run(group)
    if (outcome.kind === 'passed') continue
    if (await areSound(copy, group, coverage)) return outcome
    // One that fails by itself must not hide what the others have to tell.
    for (const test of group) {
      if (!(await areSound(copy, [test], coverage))) continue
      outcome = await run([test])
      if (outcome.kind !== 'passed') return outcome
    }
  }
  return { kind: 'passed' }
}

/** Those that are to be tried, each with its place among all. */
function wanted(changes) {
  const only = values.only?.split(',').map(Number)
  return [...changes.entries()].filter(([n]) => n + 1 >= Number(values.from) && (only?.includes(n + 1) ?? true))
}

async function main() {
  const changes = chosen(Number(values.count), Number(values.seed), values.room)
  if (changes.length === 0) throw new Error(`no change is possible in ${values.room.join(', ')}`)
  if (values.list) {
    for (const [n, change] of wanted(changes)) {
      const { line, before, after } = lineOf(change)
      console.log(`${n + 1} ${change.file}:${line} ${change.kind}\n  - ${before}\n  + ${after}`)
    }
    return
  }
  for (let job = 0; job < Number(values.jobs); job++) copies.push(new Copy(join(place, String(job))))
  const coverage = await knownCoverage()
  const failed = [...coverage].filter(([, { passed }]) => !passed).map(([test]) => test)
  console.log(
    `${changes.length} changes, seed ${values.seed}; ${coverage.size} test files${failed.length > 0 ? `, left out since they fail by themselves: ${failed.join(' ')}` : ''}`,
  )
  const by = await importers()
  const survivors = []
  const waiting = wanted(changes)
  const tried = waiting.length
  const work = async (copy) => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [n, change] = next
      const began = Date.now()
      const { line, before, after } = lineOf(change)
      const groups = testsOf(change.file, line, by, coverage)
      const outcome = await outcomeOf(copy, change, groups, coverage)
      if (outcome.kind === 'passed') survivors.push({ n: n + 1, ...change, line, before, after })
      const word = outcome.kind === 'passed' ? 'SURVIVED' : outcome.kind === 'hung' ? 'found (hung)' : 'found'
      const seconds = Math.round((Date.now() - began) / 1000)
      const of = `${groups.flat().length} test files`
      console.log(
        `${n + 1} ${word} ${change.file}:${line} ${change.kind}, ${of}, ${seconds} s${outcome.title ? `: ${outcome.title}` : ''}`,
      )
    }
  }
  await Promise.all(copies.map(work))
  for (const { n, file, line, kind, before, after } of survivors.sort((a, b) => a.n - b.n))
    console.log(`\n${n} ${file}:${line} ${kind}\n  - ${before}\n  + ${after}`)
  const found = tried - survivors.length
  console.log(
    `\n${tried} changes, ${found} found (${Math.round((100 * found) / tried)} %), ${survivors.length} survived`,
  )
}

try {
  await main()
} catch (error) {
  console.error(error.stack)
  process.exitCode = 1
} finally {
  rmSync(place, { recursive: true, force: true })
}
