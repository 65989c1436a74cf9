// The licences of the packages that the build puts into dist/: their texts go with them, in one file.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const packageOf = /^node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+\//

/** Folders of the packages that a build read, by esbuild's metafile. */
export function packagesOf(metafile) {
  const folders = new Set()
  for (const path of Object.keys(metafile.inputs)) {
    const found = packageOf.exec(path)
    if (found !== null) folders.add(found[0].slice(0, -1))
  }
  return [...folders].sort()
}

/**
 * Writes one text with name, version, licence and the words of each package's licence.
 *
 * @param folders of packages, below `root`. Throws for a package without a licence's text, and without a permissive one.
 */
export function writeLicences(root, folders, path) {
  const texts = folders.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
    if (!permissive.has(license)) throw new Error(`${name} is under ${license}: it cannot be part of dist/`)
    const words = wordsOf(join(root, folder))
    if (words === undefined) throw new Error(`${name} has no text of its licence`)
    return `${name} ${version} (${license})\n\n${words.trim()}\n`
  })
  const head = 'Pennypost contains these packages. Pennypost itself is under the licence in LICENSE.\n'
  writeFileSync(path, [head, ...texts].join(`\n${'-'.repeat(80)}\n\n`))
}

const permissive = new Set(['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD', 'BlueOak-1.0.0'])

function wordsOf(folder) {
  const named = (pattern) =>
    readdirSync(folder)
      .filter((file) => pattern.test(file))
      .sort()
  const files = [...named(/^(?:un)?licen[cs]e/i), ...named(/^notice/i), ...named(/^copyright/i)]
  if (files.length === 0) return undefined
  return files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n')
}
