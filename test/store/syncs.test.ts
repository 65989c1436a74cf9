/** What is on disk before it is promised: the order of writes, syncs and answers. The power-cut runs prove what each is for; this sees one go in seconds. */
import assert from 'node:assert/strict'
import fs, { mkdtempSync, rmSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { addAccount, arrival, message } from '../../src/store/conformance/fixtures.ts'
import { openInPlace, type InPlace } from './in-place.ts'

const seen: string[] = []
const folder = mkdtempSync(join(tmpdir(), 'pennypost-syncs-'))
const whole = { ...fs, promises: fs.promises }
let handles: Pick<FileHandle, 'datasync' | 'sync' | 'writev'>
let place: InPlace
let inbox: number

/** Notes each call, then does it. */
function note<Of extends object>(of: Of, name: keyof Of & string, as: string): void {
  const real = of[name] as unknown as (...args: unknown[]) => unknown
  Object.assign(of, {
    [name](this: unknown, ...args: unknown[]): unknown {
      seen.push(as)
      return real.apply(this, args)
    },
  })
}

before(async () => {
  note(fs, 'writeSync', 'write')
  note(fs, 'fdatasyncSync', 'sync')
  note(fs, 'fsyncSync', 'sync')
  note(fs, 'renameSync', 'rename')
  note(fs.promises, 'rename', 'rename')
  syncBuiltinESMExports()
  const handle = await open(folder, 'r')
  handles = Object.getPrototypeOf(handle) as typeof handles
  for (const [name, as] of [
    ['datasync', 'body sync'],
    ['sync', 'body sync'],
    ['writev', 'body write'],
  ] as const)
    note(handles, name, as)
  await handle.close()
  place = await openInPlace(join(folder, 'data'))
  ;({ inbox } = await addAccount(place.store, 'bob@example.org'))
})
after(() => {
  place.crash()
  Object.assign(fs, { writeSync: whole.writeSync, fdatasyncSync: whole.fdatasyncSync, fsyncSync: whole.fsyncSync })
  rmSync(folder, { recursive: true })
})

async function during(work: () => Promise<unknown>): Promise<readonly string[]> {
  seen.length = 0
  await work()
  return [...seen]
}

test('a record is written and synced before its commit is durable', async () => {
  const operation = await arrival(place.store, message('small'), [inbox])
  const stop = place.onDurable(() => seen.push('durable'))
  const steps = await during(() => place.store.commit([operation], { until: 'durable' }))
  stop()
  assert.deepEqual(steps.slice(0, 3), ['write', 'sync', 'durable'])
})

test('a large body is synced before it has its name, and its folder before a record names it', async () => {
  const steps = await during(() => arrival(place.store, message('large', 'x'.repeat(3_000_000)), [inbox]))
  const end = steps.lastIndexOf('body write')
  assert.deepEqual(steps.slice(end + 1, end + 3), ['body sync', 'rename'])
  assert.ok(steps.slice(end + 3).includes('body sync'), 'the folder')
})

test('a record that is set aside is synced, with its folder, before the rows say so', async () => {
  const { QuarantineFolder } = await import('../../src/store/contents/quarantine.ts')
  const steps = await during(async () => {
    new QuarantineFolder(join(folder, 'data')).put({ segment: 1, position: 8 }, Buffer.from('bytes'))
  })
  assert.deepEqual(steps.filter((step) => step !== 'write').length >= 2, true)
  assert.equal(steps[steps.indexOf('write') + 1], 'sync')
})

test('a body that the disk takes only in part is refused as for want of room', async () => {
  const real = handles.writev
  Object.assign(handles, {
    async writev(this: FileHandle, chunks: readonly Uint8Array[], at?: number) {
      const { bytesWritten } = await real.call(this, [chunks[0]!.subarray(0, chunks[0]!.length >> 1)], at)
      return { bytesWritten, buffers: chunks }
    },
  })
  try {
    await assert.rejects(arrival(place.store, message('large', 'x'.repeat(3_000_000)), [inbox]), { full: true })
  } finally {
    Object.assign(handles, { writev: real })
  }
})
