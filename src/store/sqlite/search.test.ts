import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { realClock } from '../../platform/real/clock.ts'
import { addAccount, arrival, message } from '../conformance/fixtures.ts'
import { openStore } from './engine.ts'
import { headerSearchedBytesMax } from './search.ts'

test('of a header as much is searched as is taken from unauthenticated clients, and no more is read', async () => {
  const store = await openStore({ folder: ':memory:', clock: realClock, log: silentLog })
  const { inbox } = await addAccount(store, 'bob@example.org')
  const padding = `X-Padding: ${'x'.repeat(900)}\r\n`
  const before = padding.repeat(Math.floor((headerSearchedBytesMax - 2000) / padding.length))
  const near = message('near', 'text\r\n', `${before}X-Mark: within\r\n`)
  const far = message('far', 'text\r\n', `${before}${padding.repeat(3)}X-Mark: beyond\r\n`)
  await store.commit([await arrival(store, near, [inbox])])
  await store.commit([await arrival(store, far, [inbox])])
  const search = async (needle: string): Promise<number[]> => [
    ...(await store.read.search(inbox, { kind: 'header', name: 'x-mark', needle }, [[1, 10]])),
  ]
  assert.deepEqual(await search('within'), [1])
  assert.deepEqual(await search('beyond'), [])
  await store.close()
})
