// A store whose threads are always at work, in a process that exits in the midst of it.
//   node busy-threads.program.js FOLDER MILLISECONDS exit|throw|close
import { silentLog } from '../../src/base/log.ts'
import { realClock } from '../../src/platform/real/clock.ts'
import { addAccount, arrival, message } from '../../src/store/conformance/fixtures.ts'
import type { SearchKey } from '../../src/mail/search-key.ts'
import { openStore } from '../../src/store/sqlite/engine.ts'

const [folder, ms, way] = process.argv.slice(2) as [string, string, string]
const store = await openStore({ folder, clock: realClock, log: silentLog, segmentBytes: 256 * 1024, spareBytes: 0 })
const { inbox } = await addAccount(store, 'ann@pennypost.example')

const busy = async (work: () => Promise<unknown>): Promise<void> => {
  for (;;) await work()
}
let count = 0
const body = 'line of text\r\n'.repeat(20)
for (let n = 0; n < 4; n++)
  busy(async () => store.commit([await arrival(store, message(`m${++count}`, body), [inbox])])).catch(() => {})
const key: SearchKey = { kind: 'text', needle: 'nowhere' }
for (let n = 0; n < 4; n++) busy(() => store.read.search(inbox, key, [[1, 0xffff_ffff]])).catch(() => {})

setTimeout(() => {
  if (way === 'throw') throw new Error('injected')
  if (way === 'exit') process.exit(7)
  void store.close().then(() => process.exit(7))
}, Number(ms))
