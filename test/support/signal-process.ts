/** Signals that reach one process, or one group, and never the test run itself: kill(2) takes 0 for the caller's own group. */
import assert from 'node:assert/strict'

export function signalProcess(pid: number | undefined, signal: NodeJS.Signals): void {
  assert.ok(pid !== undefined && Number.isInteger(pid) && pid > 1, `no process id: ${pid}`)
  process.kill(pid, signal)
}

/** All processes of the group that this process leads. */
export function signalGroup(leader: number | undefined, signal: NodeJS.Signals): void {
  assert.ok(leader !== undefined && Number.isInteger(leader) && leader > 1, `no process id: ${leader}`)
  process.kill(-leader, signal)
}
