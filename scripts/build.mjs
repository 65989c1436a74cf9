// Builds src/ into dist/: ESM for Node 20, source maps beside; declarations of the libraries. Code is split, so that what a
// library user imports and what the server runs are the same modules. Packages in JavaScript are built in, with their licences:
// who installs Pennypost gets the versions that were tested, and three packages instead of 47.
import { build } from 'esbuild'
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeBrowserModules } from './browser/modules.mjs'
import { packagesOf, writeLicences } from './licences.mjs'
import { ensureSqlite } from './sqlite.mjs'
import { emitTypes } from './types.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const dist = join(root, 'dist')
rmSync(dist, { recursive: true, force: true })

// Doors into the program: the command, each thread's first file (`*.worker.ts`), each library room's index.
const libraries = ['embed', 'library/mail', 'library/sieve', 'library/smtp'].map((room) => `src/${room}/index.ts`)
const entries = ['src/main.ts', ...libraries]
function workers(folder) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) workers(path)
    else if (entry.name.endsWith('.worker.ts')) entries.push(path)
  }
}
workers('src')

// What is loaded when first needed, and at once then (`createRequire(import.meta.url)('iconv-lite')`), is built in as well: it lies
// in a function that runs with the first call.
const lateRequires = {
  name: 'late requires',
  setup({ onLoad }) {
    onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
      const contents = readFileSync(path, 'utf8').replace(
        /createRequire\(import\.meta\.url\)\(('[a-z0-9-]+')\)/g,
        'require($1)',
      )
      return { contents, loader: 'ts' }
    })
  },
}

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: entries.filter((path) => existsSync(join(root, path))),
  outbase: 'src',
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Native code: it is not one file, and is another for each machine.
  external: ['@node-rs/argon2', '@photostructure/sqlite'],
  // Packages in CommonJS ask for Node's own modules by `require`, which a module of ESM does not have. Not by createRequire: it needs
  // import.meta.url, which is gone where another program is bundled to CommonJS with us in it.
  banner: { js: 'const require = (name) => process.getBuiltinModule(name)' },
  // Modules where a package has them: `import()` of one in CommonJS would have a default export only.
  mainFields: ['module', 'main'],
  metafile: true,
  plugins: [lateRequires],
  // For stacks: `node --enable-source-maps`. The sources themselves are not in the package.
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
})

writeLicences(root, packagesOf(metafile), join(dist, 'THIRD-PARTY-LICENSES.txt'))
emitTypes(root, libraries)

// What bundlers find under `pennypost/mail` when they build for browsers.
await writeBrowserModules(root, 'src/library/mail/index.ts', join(dist, 'browser'))

// `npm ci && npm run build` is a way to a program that runs, on every Node. Last, so that dist/ is there whatever the registry says.
if (!ensureSqlite()) process.exit(1)
