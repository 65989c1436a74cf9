/** Programs that stand in front of mail servers: run in the foreground with a configuration of their own, ended by their process ids. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Where the clients of these tests come from: an address of loopback that is neither the proxy's nor ours. */
export const clientAddress = '127.0.0.7'

export interface Front {
  /** What it wrote to its standard output and error. */
  readonly words: () => string
  stop(): Promise<void>
}

/** Ready when it listens at all its ports. */
export async function startFront(program: string, args: readonly string[], ports: readonly number[]): Promise<Front> {
  let words = ''
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (words += chunk.toString()))
  const ended = once(child, 'exit')
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await ended
  }
  for (const port of ports)
    for (let tries = 0; !(await listens(port)); tries++) {
      if (child.exitCode !== null) assert.fail(`${program} did not start: ${words}`)
      if (tries >= 3000) {
        await stop()
        assert.fail(`${program} does not listen at ${port}: ${words}`)
      }
      await sleep(20)
    }
  return { words: () => words, stop }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

export async function dial(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: clientAddress })
  await once(socket, 'connect')
  return socket
}

/** Where a message came from, as its Received field says. */
export function cameFrom(message: string): string | undefined {
  return /^Received: from \S+ \((?:\S+ )?\[([^\]]+)\]\)/m.exec(message)?.[1]
}
