/** A folder, free ports and an orderly end for everything that a benchmark starts. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

type Ending = () => Promise<unknown> | unknown
const endings: Ending[] = []

/** Runs at the end, whatever the end is; the last one first. */
export function atEnd(ending: Ending): void {
  endings.push(ending)
}

let ending: Promise<void> | undefined
async function endAll(): Promise<void> {
  while (endings.length > 0) {
    try {
      await endings.pop()!()
    } catch (error) {
      console.error('at the end:', error)
    }
  }
}

/** The frame of a benchmark: runs it, stops what it started, and tells failure by the exit status. */
export async function bench(run: () => Promise<void>): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => void (ending ??= endAll()).then(() => process.exit(130)))
  try {
    await run()
  } catch (error) {
    if (!ending) console.error(error)
    process.exitCode = 1
  }
  await (ending ??= endAll())
  process.exit()
}

/** Open to other users, since Postfix and Dovecot change theirs. */
export function scratchFolder(name: string): string {
  const folder = mkdtempSync(join(process.env.BENCH_TMP ?? tmpdir(), `pennypost-bench-${name}-`))
  chmodSync(folder, 0o755)
  atEnd(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer()
      return new Promise<typeof server>((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/** Runs a program to its end. Throws with its words when it fails. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<string> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout!.on('data', (chunk: Buffer) => (out += chunk.toString('latin1')))
  child.stderr!.on('data', (chunk: Buffer) => (err += chunk.toString('latin1')))
  const code = await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject))
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${err || out || `exit status ${String(code)}`}`)
  return out
}

export async function until(what: string, isSo: () => unknown, waitMs = 20_000): Promise<void> {
  const deadline = performance.now() + waitMs
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited ${waitMs} ms in vain until ${what}`)
    await sleep(20)
  }
}

/** Asks a child to end and waits; kills it when it does not. */
export async function stopChild(child: ChildProcess, waitMs = 15_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const cut = setTimeout(() => child.kill('SIGKILL'), waitMs)
  await ended
  clearTimeout(cut)
}

export const quick = process.env.BENCH_QUICK === '1'
/** Rounds of each side, after the warm-up. */
export const rounds = quick ? 1 : 3
