// Gets a Node of some version through npm, once, and prints the folder of its program:
//   PATH=$(node scripts/nodes.mjs 22.13.0):$PATH node --version
// A version is exact (22.13.0), or a line whose newest is taken (22). They lie in build/nodes/, which is not in the repository.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const [version] = process.argv.slice(2)
if (!/^\d+(\.\d+){0,2}$/.test(version ?? '')) {
  console.error('Say a version of Node: node scripts/nodes.mjs 22.13.0')
  process.exit(2)
}
const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'build', 'nodes', version)
const bin = join(folder, 'node_modules', 'node', 'bin')
if (!existsSync(join(bin, 'node'))) {
  mkdirSync(folder, { recursive: true })
  // A package of its own: without it npm would install into the project around it.
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "allowScripts": { "node": true } }\n')
  const flags = ['--no-audit', '--no-fund', '--no-save', '--loglevel=error']
  const { status } = spawnSync('npm', ['install', '--prefix', folder, ...flags, `node@${version}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0 || !existsSync(join(bin, 'node'))) {
    console.error(`npm could not get Node ${version}; see its message above.`)
    process.exit(1)
  }
}
console.log(bin)
