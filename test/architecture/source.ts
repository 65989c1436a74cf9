/** The sources as the architecture tests see them: files, their imports, their floors. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'

export const root = process.env['PENNYPOST_ROOT']!

export interface Import {
  readonly from: string
  /** As written. */
  readonly name: string
  /** The file below `src/` that it leads to; undefined for packages and built-ins. */
  readonly file: string | undefined
  readonly typeOnly: boolean
}

export interface SourceFile {
  /** `mail/address.ts` */
  readonly path: string
  readonly text: string
  readonly isTest: boolean
  readonly imports: readonly Import[]
}

/** Static and dynamic imports and re-exports; the formatter keeps each on lines that this finds. */
const importForms = [/^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm, /\b()import\('([^']+)'\)/g]

function importsOf(path: string, text: string): Import[] {
  const withoutComments = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  return importForms.flatMap((form) =>
    [...withoutComments.matchAll(form)].map(([, type, name]) => ({
      from: path,
      name: name!,
      file: name!.startsWith('.') ? posix.normalize(posix.join(dirname(path), name!)) : undefined,
      typeOnly: type !== undefined && type !== '',
    })),
  )
}

function walk(folder: string, found: string[] = []): string[] {
  for (const entry of readdirSync(join(root, 'src', folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) walk(path, found)
    else if (entry.name.endsWith('.ts')) found.push(path)
  }
  return found
}

export const sourceFiles: readonly SourceFile[] = walk('').map((path) => {
  const text = readFileSync(join(root, 'src', path), 'utf8')
  // A suite that engines' tests share is a test too.
  const isTest = path.endsWith('.test.ts') || path.startsWith('store/conformance/')
  return { path, text, isTest, imports: importsOf(path, text) }
})

/** CONTRIBUTING.md, "The floors". */
export const floors: Readonly<Record<string, number>> = {
  base: 1,
  mail: 2,
  platform: 2,
  store: 3,
  directory: 3,
  archive: 3,
  trust: 3,
  sieve: 3,
  protocol: 4,
  checks: 5,
  delivery: 6,
  access: 7,
  queue: 7,
  transport: 8,
  listen: 9,
  web: 9,
  admin: 9,
  config: 10,
  library: 10,
  'system.ts': 11,
  system: 11,
  cli: 12,
  embed: 12,
  'main.ts': 13,
}

/** The first folder, or the file itself at the top. */
export function roomOf(path: string): string {
  return path.split('/')[0]!
}
