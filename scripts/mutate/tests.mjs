// Which tests are to tell of a change, and in what order.
import { build } from 'esbuild'
import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { filesUnder, root } from './files.mjs'

/** Who imports a file, by the bundler; threads and programs are named by their file alone. */
export async function importers() {
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

/** Simulation and growth are left out: they take minutes, and tell of what the others tell. */
export const isFar = (test) => /^test\/(?:simulation|growth)\//.test(test)

/** Each group of tests: so many files, of so many seconds in all. */
const groups = [
  { files: 4, seconds: 20 },
  { files: 12, seconds: 30 },
  { files: 24, seconds: 50 },
]

/** Stories in processes of their own that the nearest groups are followed by: these may run a line without a word in the coverage. */
const unseen = { files: 6, seconds: 40 }

const ownProcesses = (test) => /\/program\.ts'/.test(readFileSync(join(root, test), 'utf8'))

/**
 * Test files that run a line of a file, in groups, the nearest first; behind them stories whose processes are killed, which leave no
 * coverage, if they reach the file.
 */
export function testsOf(file, line, by, coverage) {
  const own = file.replace(/\.ts$/, '.test.ts')
  const steps = new Map([[file, 0]])
  for (const one of steps.keys())
    for (const importer of by.get(one) ?? []) if (!steps.has(importer)) steps.set(importer, steps.get(one) + 1)
  const room = dirname(file)
  // The room's own tests before those of others that are as near.
  const far = (test) => (steps.get(test) ?? 50) + (test === own ? -100 : test.startsWith(room) ? -1 : 0)
  const near = (a, b) => far(a) - far(b) || coverage.get(a).seconds - coverage.get(b).seconds
  const sound = [...coverage].filter(([, { passed }]) => passed)
  // A line in the middle of an expression may have no place of its own in the bundle.
  const place = [line, line - 1, line + 1].find((one) => sound.some(([, { lines }]) => lines.get(file)?.has(one)))
  const runs = sound.filter(([, { lines }]) => lines.get(file)?.has(place)).map(([test]) => test)
  runs.sort(near)
  const others = sound
    .map(([test]) => test)
    .filter((test) => !runs.includes(test) && steps.has(test) && ownProcesses(test))
    .sort(near)
  const taken = groups.map((group) => take(runs, group, coverage))
  return [...taken, take(others, unseen, coverage)].filter((group) => group.length > 0)
}

/** Takes the first tests that fit out of a list. */
function take(tests, { files, seconds }, coverage) {
  const group = []
  let left = seconds
  for (const test of [...tests]) {
    if (group.length === files) break
    const cost = coverage.get(test).seconds
    // The nearest is run whatever it costs.
    if (cost > left && group.length > 0) continue
    left -= cost
    group.push(test)
    tests.splice(tests.indexOf(test), 1)
  }
  return group
}
