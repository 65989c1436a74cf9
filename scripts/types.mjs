// Emits the declarations of the library rooms beside their JavaScript in dist/: what a compiler of another program reads.
// Imports in them end in .js, so that no flag of that program is needed; what no entry leads to is left out.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A consumer's `lib` may be older than this. */
const disposable = '/// <reference lib="esnext.disposable" />\n'
const relativeImport = /((?:from|import) ?\(?')(\.{1,2}\/[^']+)\.ts(?=')/g

/** @param entries sources below `root`/src, as `src/mail/index.ts`. @returns the declarations written below `root`/dist. */
export function emitTypes(root, entries) {
  mkdirSync(join(root, 'build'), { recursive: true })
  const out = mkdtempSync(join(root, 'build', 'types-'))
  try {
    compile(root, entries, out)
    return copyReached(
      entries.map((entry) => entry.replace(/^src\//, '')),
      out,
      join(root, 'dist'),
    )
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}

/** Types are not checked here: `npm run check` does, and a build tells what it builds. */
function compile(root, entries, out) {
  const project = join(out, 'tsconfig.json')
  const compilerOptions = {
    noEmit: false,
    noCheck: true,
    declaration: true,
    emitDeclarationOnly: true,
    stripInternal: true,
    rewriteRelativeImportExtensions: true,
    rootDir: join(root, 'src'),
    outDir: out,
  }
  const files = entries.map((entry) => join(root, entry))
  writeFileSync(project, JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: [], files }))
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status } = spawnSync(process.execPath, [tsc, '-p', project], { stdio: 'inherit' })
  if (status !== 0) throw new Error('tsc could not emit the declarations; see its message above')
}

function copyReached(entries, from, to) {
  const waiting = [...entries]
  const reached = new Set(waiting)
  for (const source of waiting) {
    const path = source.replace(/\.ts$/, '.d.ts')
    const text = readFileSync(join(from, path), 'utf8')
    for (const [, , target] of text.matchAll(relativeImport)) {
      const next = `${join(dirname(source), target)}.ts`
      if (reached.has(next)) continue
      reached.add(next)
      waiting.push(next)
    }
    mkdirSync(dirname(join(to, path)), { recursive: true })
    const written = text.replace(relativeImport, '$1$2.js')
    writeFileSync(join(to, path), /\[Symbol\.(?:asyncDispose|dispose)\]/.test(written) ? disposable + written : written)
  }
  return waiting.map((source) => source.replace(/\.ts$/, '.d.ts'))
}
