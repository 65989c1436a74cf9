// Bundles src/mail, or something that imports it, for browsers: node scripts/browser/bundle.mjs ENTRY OUTFILE
import { build } from 'esbuild'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))

/** One ESM file without imports. The three modules of Node that the room uses are replaced by what browsers have. */
export function bundleForBrowser(entry, outfile) {
  return build({
    absWorkingDir: join(here, '..', '..'),
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    inject: [join(here, 'buffer.mjs')],
    alias: {
      'node:buffer': join(here, 'buffer.mjs'),
      'node:module': join(here, 'module.mjs'),
      'node:util': join(here, 'util.mjs'),
      'entities/decode': join(here, 'entities.mjs'),
    },
    sourcemap: false,
    logLevel: 'warning',
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundleForBrowser(process.argv[2], process.argv[3])
