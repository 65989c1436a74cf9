// Builds src/ into dist/: ESM for Node 20, packages left outside, source maps beside; declarations of the libraries.
// Code is split, so that what a library user imports and what the server runs are the same modules.
import { build } from 'esbuild'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeBrowserModules } from './browser/modules.mjs'
import { ensureSqlite } from './sqlite.mjs'
import { emitTypes } from './types.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const dist = join(root, 'dist')
rmSync(dist, { recursive: true, force: true })

// Doors into the program: the command, each thread's first file (`*.worker.ts`), each library room's index.
const libraries = ['src/embed/index.ts', 'src/library/mail/index.ts', 'src/library/smtp/index.ts']
const entries = ['src/main.ts', ...libraries]
function workers(folder) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) workers(path)
    else if (entry.name.endsWith('.worker.ts')) entries.push(path)
  }
}
workers('src')

await build({
  absWorkingDir: root,
  entryPoints: entries.filter((path) => existsSync(join(root, path))),
  outbase: 'src',
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  // For stacks: `node --enable-source-maps`. The sources themselves are not in the package.
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
})

emitTypes(root, libraries)

// What bundlers find under `pennypost/mail` when they build for browsers.
await writeBrowserModules(root, 'src/library/mail/index.ts', join(dist, 'browser'))

// `npm ci && npm run build` is a way to a program that runs, on every Node. Last, so that dist/ is there whatever the registry says.
if (!ensureSqlite()) process.exit(1)
