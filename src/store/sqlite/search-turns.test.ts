import type { AccountId } from '../../mail/ids.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { searchMaxMs, SearchTurns } from './search-turns.ts'

const busy = 100 as AccountId
const other = 200 as AccountId

interface Bench {
  readonly turns: SearchTurns
  readonly said: string[]
  run(times?: number): void
  steps(name: string, count: number, ms: number): Generator<void, Uint32Array>
}

/** Time that passes as steps are taken; work that waits for its turn. */
function bench(): Bench {
  let nowMs = 0
  const soon: (() => void)[] = []
  const said: string[] = []
  const turns = new SearchTurns({
    now: () => nowMs,
    soon: (run) => void soon.push(run),
    done: (id) => void said.push(`done ${id}`),
    failed: (id, error) => void said.push(`failed ${id} ${(error as Error).name}`),
    still: (id) => void said.push(`still ${id}`),
  })
  return {
    turns,
    said,
    run(times = Infinity) {
      for (let n = 0; n < times && soon.length > 0; n++) soon.shift()!()
    },
    *steps(name, count, ms) {
      try {
        for (let n = 0; n < count; n++) {
          nowMs += ms
          yield
        }
        return new Uint32Array(0)
      } finally {
        said.push(`end of ${name}`)
      }
    },
  }
}

test('one account asks much, another a moment: the second has its turn after one slice', () => {
  const { turns, said, run, steps } = bench()
  for (let id = 1; id <= 5; id++) turns.add(id, busy, steps('long', 10_000, 1))
  turns.add(6, other, steps('short', 3, 1))
  run(2)
  assert.deepEqual(said, ['end of short', 'done 6'])
})

test('searches of one account take turns among themselves', () => {
  const { turns, said, run, steps } = bench()
  turns.add(1, busy, steps('long', 10_000, 1))
  turns.add(2, busy, steps('short', 3, 1))
  run(2)
  assert.deepEqual(said, ['end of short', 'done 2'])
})

test('a search that is cancelled ends, and lets go of what it held', () => {
  const { turns, said, run, steps } = bench()
  turns.add(1, busy, steps('long', 10_000, 1))
  run(1)
  turns.cancel(1)
  turns.cancel(7)
  assert.deepEqual(said, ['end of long'])
  assert.equal(turns.count, 0)
  run()
  assert.deepEqual(said, ['end of long'])
})

test('a search that takes too long fails, and its client hears of it meanwhile', () => {
  const { turns, said, run, steps } = bench()
  turns.add(1, busy, steps('endless', Infinity, 10))
  run()
  assert.equal(said[said.length - 1], 'failed 1 SearchLimit')
  const stills = said.filter((one) => one === 'still 1').length
  assert.ok(stills >= searchMaxMs / 2000 - 3 && stills <= searchMaxMs / 2000, `${stills}`)
})

test('a search that throws fails alone', () => {
  const { turns, said, run, steps } = bench()
  const broken = steps('broken', 1, 1)
  broken.next = () => {
    throw new TypeError('x')
  }
  turns.add(1, busy, broken)
  turns.add(2, busy, steps('good', 2, 1))
  run()
  assert.deepEqual(said, ['failed 1 TypeError', 'end of good', 'done 2'])
})
