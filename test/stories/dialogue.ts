/** A conversation on a socket, as a person at a terminal has it. */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'

/** How long the other end may be silent. */
const patienceMs = 20_000

/** Says lines, and hears until the answer to each matches. */
export async function dialogue(
  socket: Socket,
  steps: readonly (readonly [say: string, hear: RegExp])[],
): Promise<void> {
  let heard = ''
  let wake: (() => void) | undefined
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1')
    wake?.()
  })
  socket.on('close', () => wake?.())
  for (const [say, hear] of steps) {
    if (say !== '') socket.write(say)
    for (;;) {
      const match = hear.exec(heard)
      if (match) {
        heard = heard.slice(match.index + match[0].length)
        break
      }
      assert.ok(!socket.destroyed, `closed after ${JSON.stringify(heard)}, wanted ${hear}`)
      const timer = setTimeout(() => {
        socket.destroy()
        wake?.()
      }, patienceMs)
      await new Promise<void>((resolve) => (wake = resolve))
      clearTimeout(timer)
    }
  }
}
