/** Other people's programs: run with a limit of time; a missing one skips the test, but not under CI. */
import { spawn } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { RealOptions, RealSystem } from '../stories/real.ts'
import { startReal } from '../stories/real.ts'
import { certified } from './certified.ts'

export const alice = 'alice@a.example'
export const bob = 'bob@a.example'

/** For the `skip` of a test. */
export function without(program: string): string | false {
  if (process.env.CI === 'true') return false
  const found = (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
  return found ? false : `${program} is not installed`
}

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export function run(
  program: string,
  args: readonly string[],
  options: { readonly input?: string | Buffer; readonly env?: Record<string, string>; readonly cwd?: string } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...options.env },
      cwd: options.cwd,
      timeout: 30_000,
      killSignal: 'SIGKILL',
    })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('latin1')))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString('latin1')))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? -1, out, err }))
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
  })
}

/** A system with alice and bob, and a folder for the program's own files. */
export async function withSystem(
  work: (real: RealSystem, folder: string) => Promise<void>,
  options: Partial<Pick<RealOptions, 'plaintextAuth' | 'auth' | 'oauth'>> = {},
): Promise<void> {
  await withFolder(async (folder) => {
    const real = await startReal({ users: [alice, bob], data: join(folder, 'data'), ...options })
    try {
      await work(real, folder)
    } finally {
      await real.stop()
    }
  })
}

/** The same with a certificate for "localhost", for programs that check it against the authority in `ca`. */
export async function withCertified(
  work: (real: RealSystem, folder: string, ca: string) => Promise<void>,
  options: Partial<Pick<RealOptions, 'services' | 'ports'>> = {},
): Promise<void> {
  await withFolder(async (folder) => {
    const { tls, ca } = await certified(folder)
    const real = await startReal({ users: [alice, bob], data: join(folder, 'data'), tls, ...options })
    try {
      await work(real, folder, ca)
    } finally {
      await real.stop()
    }
  })
}

export async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-interop-'))
  try {
    await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What a user reads with our own client: the whole messages of a mailbox. */
export async function read(real: RealSystem, user: string, mailbox = 'INBOX'): Promise<string[]> {
  const client = await real.imap(user, mailbox)
  const { data } = await client.command('UID SEARCH ALL')
  const found = data.some(({ values }) => values.length > 0)
  const messages = found ? await client.fetch('1:*', 'BODY.PEEK[]') : []
  await client.logout()
  return messages.map(({ items }) => {
    const value = items.get('BODY[]')
    return typeof value === 'string' ? value : Buffer.from(value as Uint8Array).toString('latin1')
  })
}
