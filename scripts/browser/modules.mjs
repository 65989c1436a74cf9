// Writes what an entry of src/ leads to as ES modules for browsers, each source one file: a bundler then takes what is used, and no more.
import { build, transform } from 'esbuild'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
/** What browsers have instead of Node's modules; `bundle.mjs` has the same. */
const stands = { 'node:buffer': 'buffer.mjs', 'node:module': 'module.mjs', 'node:util': 'util.mjs' }
const shims = [...Object.values(stands), 'idna.mjs', 'entities.mjs']
/** What stands for packages whose tables browsers have themselves. */
const packages = { htmlparser2: 'tokenizer.mjs', 'entities/decode': 'entities.mjs' }

/** @param entry below `root`, as `src/library/mail/index.ts`. @param out the folder that they are written to, by their paths in src/. */
export async function writeBrowserModules(root, entry, out) {
  const source = join(root, 'src')
  const waiting = [relative(source, join(root, entry))]
  const reached = new Set(waiting)
  for (const path of waiting) {
    const shim = (name) => `"./${join(relative(dirname(path), '.'), 'browser', name)}"`
    const { code } = await transform(readFileSync(join(source, path), 'utf8'), { loader: 'ts', target: 'es2023' })
    const rewritten = code.replace(/(\b(?:from|import) ?\(?)"([^"\n]+)"/g, (whole, before, name) => {
      if (name in packages) return before + shim(packages[name])
      if (!/^(?:\.{1,2}\/|node:)/.test(name)) return whole
      if (name.startsWith('node:')) {
        if (!(name in stands)) throw new Error(`${path} needs ${name}, which browsers have not`)
        return before + shim(stands[name])
      }
      const target = join(dirname(path), name)
      if (!reached.has(target)) waiting.push(target)
      reached.add(target)
      return `${before}"${name.replace(/\.ts$/, '.js')}"`
    })
    const usesBuffer = /\bBuffer\.\w/.test(code)
    const file = join(out, path.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, usesBuffer ? `import { Buffer } from ${shim('buffer.mjs')};\n${rewritten}` : rewritten)
  }
  mkdirSync(join(out, 'browser'), { recursive: true })
  for (const name of shims) copyFileSync(join(here, name), join(out, 'browser', name))
  await writeTokenizer(root, join(out, 'browser', 'tokenizer.mjs'))
}

/** The tokenizer alone, on our own references instead of its table. */
function writeTokenizer(root, outfile) {
  return build({
    absWorkingDir: root,
    stdin: { contents: "export { Tokenizer } from 'htmlparser2'", resolveDir: root },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    banner: {
      js: '// The tokenizer of htmlparser2. Copyright 2010, 2011, Chris Winberry; 2012-, Felix Böhm. MIT licence.',
    },
    plugins: [
      {
        name: 'references',
        setup: ({ onResolve }) =>
          onResolve({ filter: /^entities\/decode$/ }, () => ({ path: './entities.mjs', external: true })),
      },
    ],
    logLevel: 'warning',
  })
}
