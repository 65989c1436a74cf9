/** The reference engine does what every engine does. */
import { realClock } from '../../platform/real/clock.ts'
import { conformance } from '../conformance/conformance.ts'
import { nodeStore } from '../node/node-store.ts'
import { referenceEngine } from './memory-engine.ts'

conformance('reference', async () => {
  const store = await nodeStore(referenceEngine(realClock), realClock)
  return { store, done: () => store.close() }
})
