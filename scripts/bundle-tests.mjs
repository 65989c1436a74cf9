// Finds the tests of a tree and bundles them, with the threads and programs that they start.
import { build } from 'esbuild'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

function find(root, folder, suffix, found = []) {
  if (!existsSync(join(root, folder))) return found
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) find(root, path, suffix, found)
    else if (entry.name.endsWith(suffix)) found.push(path)
  }
  return found
}

/** unit: every src/**\/*.test.ts and test/**\/*.test.ts; another kind K: test/K/**\/*.K.ts. */
export function testFiles(root, kind) {
  return (
    kind === 'unit'
      ? [...find(root, 'src', '.test.ts'), ...find(root, 'test', '.test.ts')]
      : find(root, `test/${kind}`, `.${kind}.ts`)
  ).sort()
}

/**
 * Each run has a folder of its own, so that two runs at once do not sweep each other's files away.
 * @param delayReads each read of a store takes a random number of turns of the loop: what relies on an old answer is found.
 * @param sourcemap `inline` for stacks; `external` where Node is not to look at them.
 */
export async function bundleTests({ root, out, files, sourcemap = 'inline', delayReads = false }) {
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  const workers = find(root, 'src', '.worker.ts')
  // Programs that tests start: they find them in PENNYPOST_OUT under their own path.
  const programs = find(root, 'test', '.program.ts')
  await build({
    absWorkingDir: root,
    entryPoints: [...files, ...workers, ...programs],
    outbase: '.',
    outdir: out,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    sourcemap,
    logLevel: 'warning',
    plugins: delayReads ? [delayedReads] : [],
    define: { 'process.env.PENNYPOST_ROOT': JSON.stringify(root) },
  })
  // Threads find their first file beside the chunk that starts them: see store/sqlite/thread.ts.
  if (!existsSync(join(out, 'node_modules'))) symlinkSync(join(root, 'node_modules'), join(out, 'node_modules'))
}

const delay = `
const never = new Set(['constructor', 'upToDate', 'rows', 'changes'])
for (const name of Object.getOwnPropertyNames(VisibleReads.prototype)) {
  const read = VisibleReads.prototype[name]
  if (never.has(name) || typeof read !== 'function') continue
  VisibleReads.prototype[name] = async function (...args) {
    // Of a store in memory microtasks only: a simulated clock stands still meanwhile.
    if (this.inMemory) for (let n = Math.floor(Math.random() * 50); n > 0; n--) await undefined
    else for (let n = Math.floor(Math.random() * 4); n > 0; n--) await new Promise((go) => setImmediate(go))
    return read.apply(this, args)
  }
}
`

/** Replaced as the sources are bundled: the product has no switch for tests. */
const delayed = [
  [
    /store\/sqlite\/visible-reads\.ts$/,
    'this.#tools = tools\n',
    'this.#tools = tools\n;this.inMemory = tools.inMemory\n',
    delay,
  ],
  [
    /store\/sqlite\/engine\.ts$/,
    'new VisibleReads({',
    "new VisibleReads({ inMemory: options.folder === ':memory:',",
    '',
  ],
]
const delayedReads = {
  name: 'delayed-reads',
  setup({ onLoad }) {
    for (const [filter, from, to, after] of delayed)
      onLoad({ filter }, ({ path }) => {
        const text = readFileSync(path, 'utf8')
        if (!text.includes(from)) throw new Error(`${path} has changed: reads cannot be delayed`)
        return { contents: text.replace(from, to) + after, loader: 'ts' }
      })
  },
}

/** What a test's process is told. */
export const testEnvironment = (root, out) => ({ ...process.env, PENNYPOST_ROOT: root, PENNYPOST_OUT: out })
