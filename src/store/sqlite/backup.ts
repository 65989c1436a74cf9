/**
 * A consistent copy of the store while it works: the rows first, then what they name, up to the very record that they have followed.
 * Everything that was answered before it began is in it. What lies behind the rows' place in the log is left out: of the steps between
 * two records (a lease, a new mailbox) only the rows know, so a replay on older rows could not follow.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { segmentName } from '../contents/log.ts'
import { largePath } from '../contents/large-path.ts'
import type { BackupOptions, BackupReport } from '../store.ts'
import { BackupFault, manifestName, readManifest, type BackedSegment, type Manifest } from './backup-manifest.ts'
import type { Batcher } from './batcher.ts'
import { copySynced, filesBelow, removeUnwanted, syncFile, syncFolder } from './copy-file.ts'
import { openDatabase, type Database } from './driver.ts'

/** Names of large files in memory at a time. */
const pageRows = 500
const storeSetting = 'storeId'

export interface BackupTools {
  readonly dataFolder: string
  readonly reads: Database
  readonly batcher: Batcher
  readonly copyRows: (path: string) => Promise<void>
  /** The store closes: the backup ends where it is, and what was there before stays. */
  readonly stopped: () => boolean
  readonly nowMs: number
}

export async function backupTo(tools: BackupTools, target: string, options: BackupOptions = {}): Promise<BackupReport> {
  const folder = resolve(target)
  const before = await checkTarget(tools.dataFolder, folder)
  const store = await passBarrier(tools)
  if (before && before.store !== store) {
    throw new BackupFault(`${folder} holds the backup of another store: name another folder`)
  }
  const backup = new Backup(tools, folder, before, options)
  return backup.write(store)
}

async function checkTarget(dataFolder: string, folder: string): Promise<Manifest | undefined> {
  const inside = relative(dataFolder, folder)
  if (inside === '' || (!inside.startsWith('..') && !inside.startsWith(sep))) {
    throw new BackupFault(`${folder} lies in the data folder: name one outside of it, best on another disk`)
  }
  if (!existsSync(folder)) return undefined
  const manifest = await readManifest(folder)
  if (manifest) return manifest
  // A first backup that broke off has no manifest; what it left is recognised by its names.
  const strange = (await readdir(folder)).find(
    (name) => !/^(?:rows-\d+\.db|segments|large|also|unfinished-.*)$/.test(name),
  )
  if (strange !== undefined) {
    throw new BackupFault(
      `${folder} holds something else (${strange}): name an empty or new folder, or that of an earlier backup`,
    )
  }
  return undefined
}

/** A commit behind all that were answered before: once it can be seen, so can they. @returns the store's own name. */
async function passBarrier({ reads, batcher }: BackupTools): Promise<string> {
  const known = reads.prepare('SELECT value FROM setting WHERE name = ?').get(storeSetting)?.['value'] as
    string | undefined
  const value = known ?? randomBytes(16).toString('hex')
  await batcher.commit([{ kind: 'settingSet', name: storeSetting, value }], 'visible')
  return value
}

class Backup {
  readonly #tools: BackupTools
  readonly #folder: string
  readonly #before: Manifest | undefined
  readonly #options: BackupOptions
  #bytes = 0
  #copied = 0

  constructor(tools: BackupTools, folder: string, before: Manifest | undefined, options: BackupOptions) {
    this.#tools = tools
    this.#folder = folder
    this.#before = before
    this.#options = options
  }

  async write(store: string): Promise<BackupReport> {
    const { nowMs } = this.#tools
    const generation = (this.#before?.generation ?? 0) + 1
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const rows = `rows-${generation}.db`
    const rowsPath = join(this.#folder, rows)
    await rm(rowsPath, { force: true })
    await this.#tools.copyRows(rowsPath)
    await syncFile(rowsPath)
    this.#add((await stat(rowsPath)).size, true)
    const db = openDatabase(rowsPath, { readOnly: true })
    try {
      const segments = await this.#segments(db, generation)
      await this.#large(db)
      const also = await this.#also()
      for (const name of ['segments', 'large', 'also']) await syncTree(join(this.#folder, name))
      const one = (sql: string): number => db.prepare(sql).get()!['n'] as number
      const manifest: Manifest = {
        format: 1,
        store,
        generation,
        createdMs: nowMs,
        rows,
        segments,
        also,
        accounts: one('SELECT count(*) AS n FROM account'),
        messages: one('SELECT coalesce(sum(messages), 0) AS n FROM mailbox'),
        bytes: this.#bytes,
      }
      await this.#publish(manifest)
      await this.#tidy(manifest, db)
      const { accounts, messages, bytes } = manifest
      return { generation, accounts, messages, bytes, copiedBytes: this.#copied }
    } finally {
      db.close()
    }
  }

  #add(bytes: number, copied: boolean): void {
    if (this.#tools.stopped())
      throw new BackupFault('The backup broke off, since the server stops: begin it again later')
    this.#bytes += bytes
    if (copied) this.#copied += bytes
    this.#options.progress?.(this.#bytes)
  }

  /** Every segment that a row names, and the log's own up to where the rows have followed it. */
  async #segments(db: Database, generation: number): Promise<BackedSegment[]> {
    const log = db.prepare('SELECT segment, position FROM log').get() as { segment: number; position: number }
    const next = db.prepare('SELECT min(segment) AS segment FROM content WHERE segment > ?')
    const earlier = new Map(this.#before?.segments.map((one) => [one.segment, one]))
    const segments: BackedSegment[] = []
    for (let segment = 0; ;) {
      segment = (next.get(segment)!['segment'] as number | null) ?? log.segment
      if (segment >= log.segment) break
      const known = earlier.get(segment)
      segments.push(await this.#segment(segment, known, `${String(segment).padStart(8, '0')}-${generation}.seg`))
    }
    const file = `${String(log.segment).padStart(8, '0')}-${generation}.seg`
    const from = join(this.#tools.dataFolder, 'segments', segmentName(log.segment))
    await copySynced(from, join(this.#folder, 'segments', file), log.position)
    this.#add(log.position, true)
    segments.push({ segment: log.segment, file, bytes: log.position })
    return segments
  }

  /** A segment behind the log never changes; the time tells it from another of that number, after a restore. */
  async #segment(segment: number, known: BackedSegment | undefined, file: string): Promise<BackedSegment> {
    const from = join(this.#tools.dataFolder, 'segments', segmentName(segment))
    const facts = await stat(from, { bigint: true })
    const changed = String(facts.mtimeNs)
    const bytes = Number(facts.size)
    if (known?.changed === changed && known.bytes === bytes) {
      const held = await stat(join(this.#folder, 'segments', known.file)).catch(() => undefined)
      if (held?.size === bytes) {
        this.#add(bytes, false)
        return known
      }
    }
    await copySynced(from, join(this.#folder, 'segments', file))
    this.#add(bytes, true)
    return { segment, file, bytes, changed }
  }

  /** Bodies of their own never change, and no two have one name. */
  async #large(db: Database): Promise<void> {
    const page = db.prepare(`SELECT file, size FROM content WHERE file > ? ORDER BY file LIMIT ${pageRows}`)
    for (let after = ''; ;) {
      const rows = page.all(after) as { file: string; size: number }[]
      for (const { file, size } of rows) {
        const to = largePath(join(this.#folder, 'large'), file)
        const held = await stat(to).catch(() => undefined)
        const isThere = held?.size === size
        if (!isThere) await copySynced(largePath(join(this.#tools.dataFolder, 'large'), file), to)
        this.#add(size, !isThere)
      }
      if (rows.length < pageRows) return
      after = rows[rows.length - 1]!.file
    }
  }

  async #also(): Promise<string[]> {
    const paths: string[] = []
    for (const name of this.#options.also ?? []) {
      for (const path of await filesBelow(join(this.#tools.dataFolder, name))) paths.push(join(name, path))
    }
    for (const path of paths) {
      this.#add(await copySynced(join(this.#tools.dataFolder, path), join(this.#folder, 'also', path)), true)
    }
    return paths
  }

  /** From here on the new generation is the backup. */
  async #publish(manifest: Manifest): Promise<void> {
    const path = join(this.#folder, manifestName)
    const unfinished = join(this.#folder, `unfinished-${manifestName}`)
    await syncFolder(this.#folder)
    await writeFile(unfinished, `${JSON.stringify(manifest, null, 1)}\n`, { mode: 0o600, flush: true })
    await rename(unfinished, path)
    await syncFolder(this.#folder)
    await syncFolder(dirname(this.#folder))
  }

  /** What only earlier generations had. */
  async #tidy(manifest: Manifest, db: Database): Promise<void> {
    const segments = new Set(manifest.segments.map(({ file }) => file))
    const named = db.prepare('SELECT 1 FROM content WHERE file = ?')
    const also = new Set(manifest.also)
    await removeUnwanted(join(this.#folder, 'segments'), (path) => segments.has(path))
    await removeUnwanted(
      join(this.#folder, 'large'),
      (path) => named.get(path.replace(/^.*[\\/]|\.eml$/g, '')) !== undefined,
    )
    await removeUnwanted(join(this.#folder, 'also'), (path) => also.has(path))
    for (const name of await readdir(this.#folder)) {
      if ((/^rows-\d+\.db/.test(name) && name !== manifest.rows) || name.startsWith('unfinished-')) {
        await rm(join(this.#folder, name), { force: true })
      }
    }
  }
}

async function syncTree(folder: string): Promise<void> {
  if (!existsSync(folder)) return
  await syncFolder(folder)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await syncTree(join(folder, entry.name))
  }
}
