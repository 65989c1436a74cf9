import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HashQueue } from './hashing.ts'

/** Works of which each ends when it is told to, in the order in which they began. */
function works(): { begun: string[]; work(name: string): () => Promise<void>; end(): Promise<void> } {
  const begun: string[] = []
  const ends: (() => void)[] = []
  return {
    begun,
    work: (name) => () =>
      new Promise((resolve) => {
        begun.push(name)
        ends.push(resolve)
      }),
    async end() {
      ends.shift()!()
      for (let i = 0; i < 5; i++) await Promise.resolve()
    },
  }
}

test('an owner who has signed in from there does not wait behind guesses from three hundred addresses', async () => {
  const queue = new HashQueue(1)
  const { begun, work, end } = works()
  const all: Promise<void>[] = []
  for (let n = 0; n < 300; n++) all.push(queue.run(`10.0.${n}`, work(`guess ${n}`)))
  all.push(queue.run('192.0.2', work('owner'), true))
  await end()
  await end()
  assert.ok(begun.indexOf('owner') <= 2, begun.join())
  while (begun.length < 301) await end()
  await end()
  await Promise.all(all)
})

test('a storm of those who are known leaves one turn in four to the others', async () => {
  const queue = new HashQueue(1)
  const { begun, work, end } = works()
  const all: Promise<void>[] = [queue.run('first', work('first'))]
  for (let n = 0; n < 40; n++) all.push(queue.run(`k${n}`, work('known'), true))
  for (let n = 0; n < 8; n++) all.push(queue.run(`n${n}`, work('new')))
  for (let n = 0; n < 16; n++) await end()
  assert.equal(begun.filter((name) => name === 'new').length, 4)
  while (begun.length < all.length) await end()
  await end()
  await Promise.all(all)
})
