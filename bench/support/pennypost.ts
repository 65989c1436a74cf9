/** Pennypost as `serve` runs it, in a process of its own, on free ports and a data folder of its own. */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { atEnd, scratchFolder, stopChild } from './scratch.ts'
import type { Server } from './server.ts'

export type PennypostService = 'smtp' | 'submission' | 'submissions' | 'lmtp' | 'imap' | 'imaps' | 'pop3'

export interface Pennypost extends Server {
  readonly user: { readonly name: string; readonly password: string }
  /** Milliseconds from exec until every service listened. */
  readonly listeningAfterMs: number
  readonly folder: string
}

export interface PennypostOptions {
  readonly services?: readonly PennypostService[]
  /** More of the configuration: keys of the top, and tables. */
  readonly top?: string
  readonly tables?: string
  /** A folder from an earlier start, with the user that it had. */
  readonly again?: Pick<Pennypost, 'folder' | 'user'>
  /** Another build of ours: its `bin/pennypost.js`. */
  readonly program?: string
  /** Writes CPU profiles of all threads below this folder when it stops. */
  readonly profile?: string
}

const durability =
  'one fdatasync of the redo record per group before 250; SQLite WAL, synchronous=NORMAL (FULL where there is no record)'

export async function startPennypost(options: PennypostOptions = {}): Promise<Pennypost> {
  const services = options.services ?? ['smtp', 'imap']
  const folder = options.again?.folder ?? scratchFolder('pennypost')
  const listeners = services.map(
    (service) =>
      `[[listener]]\nservice = "${service}"\naddress = "127.0.0.1:0"\nplaintextAuth = ${service === 'imap' || service === 'pop3'}\n`,
  )
  const file = join(folder, 'pennypost.toml')
  writeFileSync(
    file,
    `hostname = "mx.bench.test"\ndata = "data"\ndomains = ["bench.test"]\n${options.top ?? ''}${listeners.join('')}[limits]\nconnectionsMax = 20000\n${options.tables ?? ''}`,
  )
  const profile = options.profile
  if (profile !== undefined) mkdirSync(profile, { recursive: true })
  const startedAt = performance.now()
  const child = spawn(
    process.execPath,
    [
      ...(profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`, '--enable-source-maps']),
      options.program ?? join(process.env.PENNYPOST_OUT!, 'src', 'main.js'),
      'serve',
      '--config',
      file,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  atEnd(() => stopChild(child))

  const port: Partial<Record<PennypostService, number>> = {}
  let out = ''
  let err = ''
  let listeningAfterMs = 0
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  await new Promise<void>((resolve, reject) => {
    child.on('exit', () => reject(new Error(`pennypost ended: ${err}`)))
    let rest = ''
    child.stderr.on('data', (chunk: Buffer) => {
      if (err.length < 100_000) err += chunk.toString()
      const lines = (rest + chunk.toString()).split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        if (!line.startsWith('{')) continue
        const event = JSON.parse(line) as { event: string; level: string; service: PennypostService; port: number }
        if (event.event === 'listening') port[event.service] = event.port
        else if (event.level === 'error' || event.level === 'warn') console.error(`pennypost: ${line}`)
      }
      if (Object.keys(port).length === services.length && listeningAfterMs === 0) {
        listeningAfterMs = performance.now() - startedAt
        resolve()
      }
    })
  })
  // The first account is told on standard output, which is another pipe.
  while (!options.again && !/password:\s+\S+/.test(out)) await sleep(5)
  const user = options.again?.user ?? {
    name: /First account: (\S+)/.exec(out)![1]!,
    password: /password:\s+(\S+)/.exec(out)![1]!,
  }
  return {
    name: 'Pennypost',
    pid: child.pid!,
    durability,
    port,
    user,
    folder,
    listeningAfterMs,
    // The rows follow the 250 by a group or two.
    settled: () => sleep(300),
    stop: () => stopChild(child),
  }
}
