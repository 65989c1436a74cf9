// Loaded into each test file's process: one that does not end by itself behind its last test fails, and says what it has left open.
// (--test-force-exit would let it pass, and lose the last results of others: it ends a process before its report is out.)
import { after } from 'node:test'

const waitMs = 10_000

// Programs that tests start inherit the variable, not this file.
if (process.env.NODE_TEST_CONTEXT !== undefined)
  after(() => {
    const tell = () => {
      console.error(`The tests are over, and the process has open: ${process.getActiveResourcesInfo().join(', ')}`)
      process.exit(1)
    }
    setTimeout(tell, waitMs).unref()
  })
