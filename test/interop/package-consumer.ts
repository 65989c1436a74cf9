/** Another program that takes Pennypost from npm: the tarball, installed in a project of its own, and what runs in that project. */
import { execFile } from 'node:child_process'
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const root = process.env.PENNYPOST_ROOT!

/** The compilers that consumers have: the last that is written in TypeScript, and the native one. Exact, as in a lockfile. */
export const compilers = { 'typescript-5': '5.9.3', 'typescript-7': '7.0.2' } as const
const tools = {
  ...Object.fromEntries(Object.entries(compilers).map(([name, version]) => [name, `npm:typescript@${version}`])),
  '@types/node': '20.19.43',
  esbuild: '0.28.2',
}

export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface Consumer {
  readonly folder: string
  /** Paths in the tarball, without `package/`. */
  readonly tarball: readonly string[]
  /** Of what `npm install` of the tarball alone brought: bytes of the files, and packages. */
  readonly installed: { readonly bytes: number; readonly packages: number }
  /** Writes a file of the project. */
  write(path: string, text: string): void
  /** @param node a folder to take `node` from; default: this process's. */
  run(program: string, args: readonly string[], node?: string): Promise<Ended>
  remove(): void
}

export async function startConsumer(): Promise<Consumer> {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-consumer-'))
  const run: Consumer['run'] = (program, args, node) => ended(program, args, folder, node)
  await well(ended(process.execPath, [join(root, 'scripts/ensure.mjs'), '--build'], root))
  const packed = await well(ended('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root))
  const [{ filename, files }] = JSON.parse(packed.out) as [{ filename: string; files: { path: string }[] }]
  const project = { private: true, type: 'module', allowScripts: { esbuild: true } }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(project))
  const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  await well(run('npm', ['install', ...flags, `./${filename}`]))
  const installed = measure(join(folder, 'node_modules'))
  const wanted = Object.entries(tools).map(([name, version]) => `${name}@${version}`)
  await well(run('npm', ['install', ...flags, '--save-dev', ...wanted]))
  return {
    folder,
    tarball: files.map(({ path }) => path),
    installed,
    write(path, text) {
      mkdirSync(join(folder, path, '..'), { recursive: true })
      writeFileSync(join(folder, path), text)
    },
    run,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

async function ended(program: string, args: readonly string[], cwd: string, node?: string): Promise<Ended> {
  const env = { ...process.env, ...(node === undefined ? {} : { PATH: `${node}${delimiter}${process.env.PATH}` }) }
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, { cwd, env, maxBuffer: 1 << 26 })
    return { code: 0, out: stdout, err: stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string }
    if (typeof code !== 'number') throw error
    return { code, out: stdout ?? '', err: stderr ?? '' }
  }
}

async function well(running: Promise<Ended>): Promise<Ended> {
  const end = await running
  if (end.code !== 0) throw new Error(`${end.out}\n${end.err}`)
  return end
}

function measure(folder: string): Consumer['installed'] {
  let bytes = 0
  let packages = 0
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const entry = lstatSync(join(folder, path))
    if (entry.isFile()) bytes += entry.size
    if (/(?:^|node_modules\/)(?:@[^/]+\/)?[^/@]+\/package\.json$/.test(path)) packages += 1
  }
  return { bytes, packages }
}
