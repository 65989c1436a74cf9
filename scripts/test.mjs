// Bundles the tests of one kind and runs them with node --test.
//   node scripts/test.mjs [--kind unit|interop|crash|powercut|fuzz|long] [path fragments …] [--test-name-pattern=…]
// unit: every src/**/*.test.ts and test/**/*.test.ts; another kind K: test/K/**/*.K.ts.
import { build } from 'esbuild'
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, symlinkSync, existsSync } from 'node:fs'
import { join, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureSqlite } from './sqlite.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const args = process.argv.slice(2)
const kindAt = args.indexOf('--kind')
const kind = kindAt < 0 ? 'unit' : args.splice(kindAt, 2)[1]
const flags = args.filter((arg) => arg.startsWith('--'))
const wanted = args.filter((arg) => !arg.startsWith('--'))

function find(folder, suffix, found = []) {
  if (!existsSync(join(root, folder))) return found
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) find(path, suffix, found)
    else if (entry.name.endsWith(suffix)) found.push(path)
  }
  return found
}
const all =
  kind === 'unit' ? [...find('src', '.test.ts'), ...find('test', '.test.ts')] : find(`test/${kind}`, `.${kind}.ts`)
const files = all.filter((path) => wanted.length === 0 || wanted.some((part) => path.includes(part))).sort()
if (files.length === 0) {
  console.error(`No ${kind} test matches ${wanted.join(' ')}`)
  process.exit(1)
}
const workers = find('src', '.worker.ts')
// Programs that tests start: they find them in PENNYPOST_OUT under their own path.
const programs = find('test', '.program.ts')

if (!ensureSqlite()) process.exit(1)

// Each run has a folder of its own, so that two runs at once do not sweep each other's files away.
const out = join(root, 'build', `${kind}-${process.pid}`)
rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
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
  sourcemap: 'inline',
  logLevel: 'warning',
  define: { 'process.env.PENNYPOST_ROOT': JSON.stringify(root) },
})
// Threads find their first file beside the chunk that starts them: see platform/real/thread.ts.
if (!existsSync(join(out, 'node_modules'))) symlinkSync(join(root, 'node_modules'), join(out, 'node_modules'))

const concurrency = kind === 'unit' ? '4' : '1'
const child = spawn(
  process.execPath,
  [
    '--enable-source-maps',
    '--no-warnings',
    '--test',
    `--test-concurrency=${concurrency}`,
    // A test that hangs is a failure, not a pause; and what it left open must not hold the run up.
    `--test-timeout=${kind === 'unit' ? 120_000 + 4000 * Number(process.env.SIMULATION_SEEDS ?? 0) : 900_000 + 1000 * Number(process.env.FUZZ_SECONDS ?? 0)}`,
    '--test-force-exit',
    ...flags,
    ...files.map((path) => join(out, path.replace(/\.ts$/, '.js'))),
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, PENNYPOST_ROOT: root, PENNYPOST_OUT: out } },
)
child.on('exit', (code) => {
  rmSync(out, { recursive: true, force: true })
  process.exit(code ?? 1)
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
