/** The program as users run it: built once a test file, in processes of its own. */
import { build } from 'esbuild'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = process.env['PENNYPOST_ROOT']!
/** Not dist/, which others may be building at this moment. Node finds the packages from here too. */
const out = join(process.env['PENNYPOST_OUT']!, `program-${process.pid}`)

let built: Promise<unknown> | undefined

/** As scripts/build.mjs does it. */
function buildProgram(): Promise<unknown> {
  const threads = ['store/sqlite/writer.worker.ts', 'store/sqlite/reader.worker.ts']
  return (built ??= build({
    absWorkingDir: root,
    entryPoints: ['main.ts', ...threads].map((path) => join('src', path)),
    outbase: 'src',
    outdir: out,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    // Coverage is told in lines of the sources.
    sourcemap: process.env['NODE_V8_COVERAGE'] === undefined ? false : 'external',
    logLevel: 'warning',
  }))
}

export interface Ran {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

/** The program as a file that Node can run. */
export async function programFile(): Promise<string> {
  await buildProgram()
  return join(out, 'main.js')
}

async function start(
  program: string,
  args: readonly string[],
  cwd: string,
  environment: Record<string, string>,
): Promise<ChildProcess> {
  return spawn(process.execPath, [program, ...args], {
    cwd,
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

function gather(child: ChildProcess): { out: string; err: string } {
  const texts = { out: '', err: '' }
  child.stdout!.setEncoding('utf8').on('data', (text: string) => void (texts.out += text))
  child.stderr!.setEncoding('utf8').on('data', (text: string) => void (texts.err += text))
  return texts
}

/** Runs a command to its end. */
export async function pennypost(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return run(await programFile(), args, options)
}

export interface RunOptions {
  readonly input?: string
  readonly cwd?: string
  readonly environment?: Record<string, string>
}

export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const child = await start(program, args, options.cwd ?? tmpdir(), options.environment ?? {})
  const texts = gather(child)
  child.stdin!.on('error', () => {})
  child.stdin!.end(options.input ?? '')
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { status, ...texts }
}

export interface Server {
  readonly pid: number
  readonly texts: { readonly out: string; readonly err: string }
  /** The events logged so far. */
  events(): { readonly event: string; readonly [fact: string]: unknown }[]
  /** Waits until an event was logged `times` times. */
  until(event: string, times?: number): Promise<void>
  port(service: string): number
  signal(name: 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGKILL'): void
  readonly ended: Promise<number | null>
}

/**
 * Starts `serve` and waits for its listeners.
 * @param program that of another version; undefined: the present one.
 */
export async function serve(
  args: readonly string[],
  listeners: number,
  environment: Record<string, string> = {},
  program?: string,
): Promise<Server> {
  const child = await start(program ?? (await programFile()), ['serve', ...args], tmpdir(), environment)
  const texts = gather(child)
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const events = (): ReturnType<Server['events']> =>
    texts.err
      .split('\n')
      // What is behind the last line end is not whole yet.
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { event: string })
  const server: Server = {
    pid: child.pid!,
    texts,
    events,
    async until(event, times = 1) {
      let over = false
      void ended.then(() => (over = true))
      while (events().filter((one) => one.event === event).length < times) {
        if (over) throw new Error(`it ended before "${event}": ${texts.err}`)
        await new Promise((resolve) => void setTimeout(resolve, 10))
      }
    },
    port: (service) =>
      events().find((one) => one.event === 'listening' && one['service'] === service)!['port'] as number,
    signal: (name) => void child.kill(name),
    ended,
  }
  await server.until('listening', listeners)
  return server
}

/** A folder that goes with the test file. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'pennypost-story-'))
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
}
