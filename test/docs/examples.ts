/** The examples of a page of docs/library: right in types, and run as they stand. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'

const root = process.env.PENNYPOST_ROOT!

/** The present sources, not what was built of them. */
const sources = {
  pennypost: join(root, 'src/embed/index.ts'),
  'pennypost/mail': join(root, 'src/library/mail/index.ts'),
  'pennypost/sieve': join(root, 'src/library/sieve/index.ts'),
  'pennypost/smtp': join(root, 'src/library/smtp/index.ts'),
}

/** @param name `mail` for docs/library/mail.md. @param least so many examples there must be. @returns the page. */
export function testExamples(name: string, least: number): string {
  const page = readFileSync(join(root, `docs/library/${name}.md`), 'utf8')
  /** The code blocks, each under the heading before it. */
  const examples: { readonly title: string; readonly code: string }[] = []
  let heading = ''
  for (const [, title, code] of page.matchAll(/^## (.+)$|^```ts\n([^]*?)^```$/gm)) {
    if (title !== undefined) heading = title
    else examples.push({ title: heading, code: code! })
  }

  // In the folder of this run: the threads that an example starts are found from there.
  const folder = join(process.env.PENNYPOST_OUT!, `docs-${name}`)
  mkdirSync(folder, { recursive: true })
  for (const [at, { code }] of examples.entries()) writeFileSync(join(folder, `example${at}.ts`), code)
  after(() => rmSync(folder, { recursive: true, force: true }))

  test('the examples have right types', async () => {
    assert.ok(examples.length >= least)
    const paths = Object.fromEntries(Object.entries(sources).map(([key, path]) => [key, [path]]))
    const project = { extends: join(root, 'tsconfig.json'), compilerOptions: { paths }, include: ['*.ts'] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project))
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
        alias: sources,
        packages: 'external',
        logLevel: 'silent',
      })
      await import(pathToFileURL(outfile).href)
    })

  test('a link inside the page leads to a heading', () => {
    const anchors = new Set([...page.matchAll(/^## (.+)$/gm)].map(([, title]) => anchorOf(title!)))
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, link]) => link!)
    assert.deepEqual(
      links.filter((link) => !anchors.has(link)),
      [],
    )
  })
  return page
}

/** As GitHub makes them. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}
