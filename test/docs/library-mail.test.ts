/** docs/library/mail.md: its examples are right in types, and run; its table of defects is the code's. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { defectNames } from '../../src/mail/inspect/defects.ts'

const root = process.env.PENNYPOST_ROOT!
const page = readFileSync(join(root, 'docs/library/mail.md'), 'utf8')
/** The code blocks, each under the heading before it. */
const examples: { readonly title: string; readonly code: string }[] = []
let heading = ''
for (const [, title, code] of page.matchAll(/^## (.+)$|^```ts\n([^]*?)^```$/gm)) {
  if (title !== undefined) heading = title
  else examples.push({ title: heading, code: code! })
}

// Inside the package, so that `pennypost/mail` means this one.
const folder = join(root, 'build', `docs-${process.pid}`)
mkdirSync(folder, { recursive: true })
for (const [at, { code }] of examples.entries()) writeFileSync(join(folder, `example${at}.ts`), code)
after(() => rmSync(folder, { recursive: true, force: true }))

test('the examples have right types', async () => {
  assert.ok(examples.length >= 12)
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../../tsconfig.json', include: ['*.ts'] }))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  try {
    await promisify(execFile)(process.execPath, [tsc, '--noEmit', '-p', folder])
  } catch (error) {
    // Faults of the sources themselves are told by `npm run check`.
    const lines = String((error as { stdout?: string }).stdout).split('\n')
    assert.deepEqual(
      lines.filter((line) => line.includes('example')),
      [],
    )
  }
})

for (const [at, { title }] of examples.entries())
  test(`the example runs: ${title}`, async () => {
    const outfile = join(folder, `example${at}.mjs`)
    await build({
      entryPoints: [join(folder, `example${at}.ts`)],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      alias: { 'pennypost/mail': join(root, 'src/mail/index.ts') },
      external: ['node:*', 'iconv-lite', 'tr46'],
      logLevel: 'silent',
    })
    await import(pathToFileURL(outfile).href)
  })

test('every defect is in the table, in the words of the code', () => {
  for (const [name, words] of Object.entries(defectNames)) {
    const [, what, range] = /^(.*) \[(.*)\]$/.exec(words)!
    assert.ok(page.replace(/ +/g, ' ').includes(`| \`${name}\` | ${what} | ${range} |`), name)
  }
})
