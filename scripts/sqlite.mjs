// A Node without an SQLite of its own (older than 22.13) is given the package that has the same API, in the version that package.json
// names as a peer: 29 MB that no other Node loads, so it is no dependency. Uses Node's built-ins only.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const name = '@photostructure/sqlite'

function versionIn(path, read) {
  return existsSync(path) ? read(JSON.parse(readFileSync(path, 'utf8'))) : undefined
}

/** @returns false where npm could not get it. */
export function ensureSqlite() {
  if (isBuiltin('node:sqlite')) return true
  const wanted = versionIn(join(root, 'package.json'), ({ peerDependencies }) => peerDependencies[name])
  const installed = join(root, 'node_modules', name, 'package.json')
  if (versionIn(installed, ({ version }) => version) === wanted) return true
  console.error(`Node ${process.versions.node} has no SQLite: installing ${name} …`)
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  // As a dependency of its own: what is named as an optional peer npm leaves out, even when asked for. The lockfile counts, and is not
  // written: without it npm would ask the registry for every package again, and change some.
  const flags = ['--no-save', '--save-prod', '--no-audit', '--no-fund', '--loglevel=error']
  for (let tries = 2; tries > 0; tries--) {
    const { status } = spawnSync(npm, ['install', ...flags, `${name}@${wanted}`], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    if (status === 0 && versionIn(installed, ({ version }) => version) === wanted) return true
  }
  console.error(
    `npm could not install ${name}@${wanted}: run "npm install --no-save --save-prod ${name}@${wanted}", or take Node 22.13 or newer`,
  )
  return false
}
