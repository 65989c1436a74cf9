import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Terminal } from '../platform/real/terminal.ts'
import type { JobState } from '../admin/jobs.ts'
import type { Owner } from '../admin/owner.ts'
import { jobEnd } from './job.ts'

/** What a person, or a script, is shown while the work is in these states, one after another. */
async function shown(
  states: readonly Partial<JobState<unknown>>[],
  isPerson = true,
): Promise<{ notes: string[]; result: unknown }> {
  const notes: string[] = []
  const left = [...states]
  const owner = { ask: async () => ({ phase: '', done: 0, total: 0, ...left.shift() }) } as unknown as Owner
  const terminal = { isPerson, note: (text: string) => void notes.push(text) } as unknown as Terminal
  const result = await jobEnd(owner, terminal, 1).catch((error: Error) => error.message)
  return { notes, result }
}

const running = { state: 'running' } as const

test('a person sees how far the work is, on one line that goes away at its end', async () => {
  const { notes, result } = await shown([
    running,
    { ...running, phase: 'messages', done: 5, total: 20 },
    { ...running, phase: 'bytes', done: 2048 },
    { state: 'done', result: 'fine' },
  ])
  assert.equal(result, 'fine')
  assert.deepEqual(
    notes.map((note) => note.trimEnd()),
    ['\r…', '\r5 of 20 (25 %) messages', '\r2.0 KB', ''],
  )
  // What is shorter covers what stood there.
  assert.equal(notes[2]!.length, notes[1]!.length)
})

test('a script sees nothing of it, and a fault is told to both', async () => {
  for (const isPerson of [true, false]) {
    const { notes, result } = await shown(
      [running, { state: 'failed', fault: { text: 'The disk is full' } as never }],
      isPerson,
    )
    assert.equal(result, 'The disk is full')
    assert.equal(notes.length, isPerson ? 2 : 0)
  }
})
