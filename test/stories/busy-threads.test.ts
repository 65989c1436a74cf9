/** A process that exits while its threads are within calls of SQLite ends with its own status, on each Node. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { removeFolder, temporaryFolder } from './program.ts'

const base = temporaryFolder()
after(() => removeFolder(base))

const program = join(process.env['PENNYPOST_OUT']!, 'test/stories/busy-threads.program.js')

function ended(way: string, ms: number): Promise<string> {
  const args = [program, join(base, `${way}${ms}`), String(ms), way]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (said += text))
  return new Promise((resolve) =>
    child.once('close', (status, signal) =>
      resolve(status === null ? `${signal} after ${ms} ms: ${said}` : `status ${status}`),
    ),
  )
}

for (const [way, status] of [
  ['exit', 7],
  ['throw', 1],
  ['close', 7],
] as const) {
  test(`threads at work are no danger to a process that ends by ${way}`, async () => {
    const waits = Array.from({ length: 6 }, (_, n) => 200 + 41 * n)
    const ways = []
    for (const ms of waits) ways.push(await ended(way, ms))
    assert.deepEqual(
      ways,
      waits.map(() => `status ${status}`),
    )
  })
}
