// Bundles the tests of one kind and runs them with node --test.
//   node scripts/test.mjs [--kind unit|interop|crash|powercut|fuzz|long] [--delay-reads] [path fragments …] [--test-name-pattern=…]
// unit: every src/**/*.test.ts and test/**/*.test.ts; another kind K: test/K/**/*.K.ts.
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleTests, testEnvironment, testFiles } from './bundle-tests.mjs'
import { ensureSqlite } from './sqlite.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const args = process.argv.slice(2)
const kindAt = args.indexOf('--kind')
const kind = kindAt < 0 ? 'unit' : args.splice(kindAt, 2)[1]
const delayAt = args.indexOf('--delay-reads')
const delayReads = delayAt >= 0 && args.splice(delayAt, 1).length > 0
const flags = args.filter((arg) => arg.startsWith('--'))
const wanted = args.filter((arg) => !arg.startsWith('--'))

const all = testFiles(root, kind)
const files = all.filter((path) => wanted.length === 0 || wanted.some((part) => path.includes(part)))
if (files.length === 0) {
  console.error(`No ${kind} test matches ${wanted.join(' ')}`)
  process.exit(1)
}
if (!ensureSqlite()) process.exit(1)

const out = join(root, 'build', `${kind}-${process.pid}`)
await bundleTests({ root, out, files, delayReads })

const concurrency = kind === 'unit' ? '4' : '1'
const child = spawn(
  process.execPath,
  [
    '--enable-source-maps',
    '--no-warnings',
    '--test',
    `--test-concurrency=${concurrency}`,
    // A test that hangs is a failure, not a pause; so is a file that leaves something open.
    '--import',
    new URL('left-open.mjs', import.meta.url).href,
    `--test-timeout=${kind === 'unit' ? 600_000 + 4000 * Number(process.env.SIMULATION_SEEDS ?? 0) : 900_000 + 1000 * Number(process.env.FUZZ_SECONDS ?? 0)}`,
    ...flags,
    ...files.map((path) => join(out, path.replace(/\.ts$/, '.js'))),
  ],
  { cwd: root, stdio: 'inherit', env: testEnvironment(root, out) },
)
child.on('exit', (code) => {
  rmSync(out, { recursive: true, force: true })
  process.exit(code ?? 1)
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
