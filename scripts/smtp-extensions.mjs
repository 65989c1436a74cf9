// Writes docs/smtp-extensions.md from the table of extensions and the transcripts that prove them.
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { outputFiles } = await build({
  entryPoints: [join(root, 'test/docs/smtp-extensions.ts')],
  bundle: true,
  format: 'esm',
  platform: 'node',
  write: false,
})
const { extensionsPage } = await import(
  `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
)
writeFileSync(join(root, 'docs/smtp-extensions.md'), extensionsPage(root))
