// Writes docs/rfc.md from the comments of src/.
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { outputFiles } = await build({
  entryPoints: [join(root, 'test/docs/rfc.ts')],
  bundle: true,
  format: 'esm',
  platform: 'node',
  write: false,
})
const { rfcPage } = await import(
  `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
)
writeFileSync(join(root, 'docs/rfc.md'), rfcPage(root))
