// Bundles the benchmarks and the program as it stands in src/, and runs them one after the other.
//   node scripts/bench.mjs [name …] [--quick] [--profile]
// Names are fragments of bench/NAME.bench.ts, without any: all. --quick: one round each. --profile: the last round of ours
// runs under --cpu-prof, see bench/support/pennypost.ts.
import { build } from 'esbuild'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureSqlite } from './sqlite.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
if (!ensureSqlite()) process.exit(1)
const args = process.argv.slice(2)
const flags = new Set(args.filter((arg) => arg.startsWith('--')))
const names = args.filter((arg) => !arg.startsWith('--'))

function find(folder, suffix, found = []) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) find(path, suffix, found)
    else if (entry.name.endsWith(suffix)) found.push(path)
  }
  return found
}

// What stands first in targets.md is measured first.
const order = ['accept', 'latency', 'end-to-end', 'imap', 'pop3', 'start']
const rank = (path) => {
  const at = order.findIndex((name) => path.endsWith(`/${name}.bench.ts`))
  return at < 0 ? order.length : at
}
const benches = find('bench', '.bench.ts')
  .filter((path) => names.length === 0 || names.some((name) => path.includes(name)))
  .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
if (benches.length === 0) {
  console.error(`No benchmark matches ${names.join(' ')}`)
  process.exit(2)
}

const out = join(root, 'build', `bench-${process.pid}`)
mkdirSync(out, { recursive: true })
await build({
  absWorkingDir: root,
  entryPoints: [...benches, 'src/main.ts', ...find('src', '.worker.ts')],
  outbase: '.',
  outdir: out,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: true,
  logLevel: 'warning',
})
if (!existsSync(join(out, 'node_modules'))) symlinkSync(join(root, 'node_modules'), join(out, 'node_modules'))

let status = 0
for (const path of benches) {
  const child = spawn(process.execPath, ['--no-warnings', '--expose-gc', join(out, path.replace(/\.ts$/, '.js'))], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      PENNYPOST_OUT: out,
      ...(flags.has('--quick') ? { BENCH_QUICK: '1' } : {}),
      ...(flags.has('--profile') ? { BENCH_PROFILE: join(root, 'build', 'profiles') } : {}),
    },
  })
  const forward = (signal) => child.kill(signal)
  process.on('SIGINT', forward)
  process.on('SIGTERM', forward)
  const [code, signal] = await new Promise((resolve) => child.on('exit', (...ended) => resolve(ended)))
  process.off('SIGINT', forward)
  process.off('SIGTERM', forward)
  if (code !== 0) status = 1
  if (signal || code === 130) break
}
rmSync(out, { recursive: true, force: true })
process.exit(status)
