// Makes a fresh clone ready: the right Node, the packages of the lockfile, a build that is not stale.
// Uses Node's built-ins only, since it runs before anything is installed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync, mkdirSync } from 'node:fs'
import { join, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureSqlite } from './sqlite.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const nodeMin = [20, 19]
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < nodeMin[0] || (major === nodeMin[0] && minor < nodeMin[1])) {
  console.error(`Pennypost needs Node ${nodeMin.join('.')} or newer; this is ${process.versions.node}.`)
  process.exit(1)
}

/** The newest change below a folder, in milliseconds; used to tell whether dist is stale. */
function newestMs(folder) {
  let newest = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    newest = Math.max(newest, entry.isDirectory() ? newestMs(path) : statSync(path).mtimeMs)
  }
  return newest
}

function installed() {
  // Nothing in it is built for one Node: the same packages serve all.
  const hash = createHash('sha256')
  for (const name of ['package.json', 'package-lock.json']) {
    const path = join(root, name)
    if (existsSync(path)) hash.update(readFileSync(path))
  }
  return hash.digest('hex')
}

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
function run(command, args) {
  return spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0
}

if (process.argv.includes('--install')) {
  const mark = join(root, 'node_modules', '.ensured')
  const want = installed()
  if (!existsSync(mark) || readFileSync(mark, 'utf8') !== want) {
    console.error('Installing packages …')
    const flags = ['--no-audit', '--no-fund', '--loglevel=error']
    if (!run(npm, ['ci', ...flags]) && !run(npm, ['install', '--no-save', ...flags])) {
      console.error('npm could not install the packages; see its message above.')
      process.exit(1)
    }
    mkdirSync(join(root, 'node_modules'), { recursive: true })
    writeFileSync(mark, installed())
  }
  if (!ensureSqlite()) {
    console.error('npm could not install it; see its message above. Node 22.13 and newer need no such package.')
    process.exit(1)
  }
}

if (process.argv.includes('--build')) {
  const built = join(root, 'dist', 'main.js')
  const tools = ['build.mjs', 'types.mjs'].map((name) => statSync(join(root, 'scripts', name)).mtimeMs)
  const sources = Math.max(newestMs(join(root, 'src')), newestMs(join(root, 'scripts', 'browser')), ...tools)
  if (!existsSync(built) || statSync(built).mtimeMs < sources) {
    if (!run(process.execPath, [join(root, 'scripts', 'build.mjs')])) process.exit(1)
  }
}
