/**
 * The power goes at every sync of a recorded run: what was acknowledged is there, byte for byte, and the store is whole.
 * Then each kind of sync is taken away in turn, and the same check must fail: every one of them is needed.
 * Docs: docs/architecture.md §1. Needs strace.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { checkAfterCut, Promised } from './promise.ts'
import { Disk, type Fate } from './disk.ts'
import { readTrace, tracedCalls, type Timed } from './trace.ts'

const out = process.env['PENNYPOST_OUT']!
const seed = Number(process.env['POWERCUT_SEED'] ?? 20_261_122)
const steps = Number(process.env['POWERCUT_STEPS'] ?? 80)
const work = mkdtempSync(join(tmpdir(), 'pennypost-powercut-'))
after(() => rmSync(work, { recursive: true, force: true }))

const hasStrace = spawnSync('strace', ['-V']).status === 0
const skip = hasStrace || process.env['CI'] === 'true' ? false : 'strace is not installed'

function chanceFrom(start: number): (end: number) => number {
  let state = start >>> 0
  return (end) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * end)
  }
}

function record(): { root: string; events: Timed[] } {
  const root = join(work, 'data')
  const traces = join(work, 'trace')
  mkdirSync(traces)
  const program = join(out, 'test/powercut/workload.program.js')
  const done = spawnSync(
    'strace',
    [
      '-ff',
      '-ttt',
      '-T',
      '-y',
      '-xx',
      '-s',
      '4194304',
      '-e',
      `trace=${tracedCalls}`,
      '-o',
      join(traces, 't'),
      process.execPath,
      '--no-warnings',
      program,
      root,
      String(seed),
      String(steps),
    ],
    { encoding: 'utf8', timeout: 240_000, maxBuffer: 1 << 26, env: { ...process.env, UV_USE_IO_URING: '0' } },
  )
  assert.equal(done.status, 0, done.stderr.slice(-2000))
  return { root, events: readTrace(traces) }
}

/** A kind of sync: what it is for, and which paths it is of. */
const syncs: readonly { readonly name: string; readonly of: (path: string) => boolean }[] = [
  { name: 'records in a segment', of: (path) => /segments\/\d{8}\.seg$/.test(path) },
  { name: 'names of segments', of: (path) => path.endsWith('/segments') },
  { name: 'the write-ahead log', of: (path) => path.endsWith('pennypost.db-wal') },
  { name: 'the database at a checkpoint', of: (path) => path.endsWith('pennypost.db') },
  { name: 'large bodies', of: (path) => path.includes('/large/') && path.endsWith('.eml') },
  { name: 'names of large bodies', of: (path) => /\/large\/[^/]+$/.test(path) && !path.endsWith('.eml') },
  { name: 'names in the data folder', of: (path) => path.endsWith('/data') },
]

/** Cuts the power after each of the chosen events; answers how many cuts were tried and what was wrong with them. */
async function cutAll(
  root: string,
  events: readonly Timed[],
  options: {
    readonly ignored?: (path: string) => boolean
    readonly every: number
    readonly fates: readonly Fate[]
    readonly stopAtFault: boolean
  },
): Promise<{ cuts: number; faults: string[] }> {
  const disk = new Disk(options.ignored)
  const promised = new Promised()
  const chance = chanceFrom(seed)
  const faults: string[] = []
  let cuts = 0
  let boundaries = 0
  for (const { at, event } of events) {
    disk.take(event, at)
    if (event.kind === 'say') promised.hear(event.line)
    // Just after a promise is when a lie shows; just after a sync is when the disk has changed.
    if (event.kind !== 'sync' && event.kind !== 'say') continue
    if (boundaries++ % options.every !== 0) continue
    for (const fate of options.fates) {
      const target = join(work, 'cut')
      rmSync(target, { recursive: true, force: true })
      disk.cut(root, target, fate, chance)
      cuts++
      faults.push(
        ...(await checkAfterCut(target, promised)).map(
          (fault) => `${fate} after ${JSON.stringify(event).slice(0, 120)}: ${fault}`,
        ),
      )
      if (options.stopAtFault && faults.length > 0) return { cuts, faults }
    }
  }
  return { cuts, faults }
}

let recorded: { root: string; events: Timed[] }

test('whatever was acknowledged survives a power cut at any sync', { skip }, async (t) => {
  recorded = record()
  const every = Number(process.env['POWERCUT_EVERY'] ?? 1)
  const { cuts, faults } = await cutAll(recorded.root, recorded.events, {
    every,
    fates: ['lost', 'mixed', 'kept'],
    stopAtFault: false,
  })
  const count = recorded.events.filter(({ event }) => event.kind === 'sync').length
  t.diagnostic(`seed ${seed}: ${steps} steps, ${count} syncs, ${cuts} power cuts`)
  assert.ok(count > 50 && cuts > 20)
  for (const verb of ['file', 'queue', 'flag', 'expunge', 'mailbox', 'both', 'bounce', 'defer', 'relay'])
    assert.ok(
      recorded.events.some(({ event }) => event.kind === 'say' && event.line.startsWith(`ack ${verb} `)),
      `the run has acknowledged a ${verb}`,
    )
  assert.deepEqual(faults.slice(0, 5), [])
})

for (const { name, of } of syncs) {
  test(`without syncing ${name}, something acknowledged is lost`, { skip }, async () => {
    assert.ok(
      recorded.events.some(({ event }) => event.kind === 'sync' && of(event.path)),
      'the recorded run has such a sync',
    )
    const { faults } = await cutAll(recorded.root, recorded.events, {
      ignored: of,
      every: 1,
      fates: ['lost', 'mixed'],
      stopAtFault: true,
    })
    assert.ok(faults.length > 0, 'the sync could be left out: then it should be')
  })
}

test('the zeros of a prepared segment are synced for speed alone: without it nothing is lost', { skip }, async () => {
  const zeros = (path: string): boolean => /(?:preparing|unfinished|prepared)\.seg$/.test(path)
  assert.ok(recorded.events.some(({ event }) => event.kind === 'sync' && zeros(event.path)))
  const { faults } = await cutAll(recorded.root, recorded.events, {
    ignored: zeros,
    every: 12,
    fates: ['lost', 'mixed'],
    stopAtFault: true,
  })
  assert.deepEqual(faults, [])
})
