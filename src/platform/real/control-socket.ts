/** `control.sock`: lines of text between commands and the process that owns a data folder, for the owner's user alone. */
import { chmod, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { listenAt } from './held-ports.ts'
import { withShortPath } from './unix-path.ts'

const socketName = 'control.sock'

/** A request is a name and a few arguments. */
const requestBytesMax = 256 * 1024
/** A response is at most a page of rows. */
const answerBytesMax = 8 * 1024 * 1024
/** Commands at the same time; operators and scripts need a few. */
const connectionsMax = 64

export interface ControlListener {
  close(): Promise<void>
}

/** Reads lines from a socket; closes it if one is too long. */
function readLines(socket: Socket, bytesMax: number, line: (text: string) => void): void {
  let held: Buffer[] = []
  let heldBytes = 0
  socket.on('data', (chunk: Buffer) => {
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      held.push(chunk.subarray(start, end))
      const text = Buffer.concat(held).toString('utf8')
      held = []
      heldBytes = 0
      start = end + 1
      line(text)
    }
    if (start < chunk.length) held.push(chunk.subarray(start))
    heldBytes += chunk.length - start
    if (heldBytes > bytesMax) socket.destroy(new Error('a line of the control socket is too long'))
  })
}

/** @param answer returns the response to a line. Lines of a connection are answered in order. */
export async function listenControl(
  folder: string,
  answer: (line: string) => Promise<string>,
): Promise<ControlListener> {
  await rm(join(folder, socketName), { force: true })
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => socket.destroy())
    let last = Promise.resolve()
    readLines(socket, requestBytesMax, (line) => {
      socket.pause()
      last = last
        .then(() => answer(line))
        .then((text) => {
          if (socket.destroyed) return
          socket.write(`${text}\n`)
          socket.resume()
        })
    })
  })
  server.maxConnections = connectionsMax
  await withShortPath(join(folder, socketName), (path) => {
    // Private from the moment it is created, whatever the folder's mode.
    const before = process.umask(0o177)
    try {
      return listenAt(server, { path })
    } finally {
      process.umask(before)
    }
  })
  await chmod(join(folder, socketName), 0o600)
  server.unref()
  return {
    async close() {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
      for (const socket of open) socket.destroy()
      await closed
      await rm(join(folder, socketName), { force: true })
    },
  }
}

export interface ControlConnection {
  /** The response to this line. Throws if the connection is lost. */
  ask(line: string): Promise<string>
  close(): void
}

/** Long work is a job that is polled. The longest direct command, removing an account with its mail, takes at most a minute. */
const answerTimeoutMs = 300_000

/** @param timeoutMs for a response. @returns undefined if no process listens. */
export function connectControl(folder: string, timeoutMs = answerTimeoutMs): Promise<ControlConnection | undefined> {
  return withShortPath(join(folder, socketName), (path) => open(path, timeoutMs))
}

const absent = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ENOTDIR'])

function open(path: string, timeoutMs: number): Promise<ControlConnection | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    const waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = []
    let lost: Error | undefined
    socket.on('error', (error: Error & { code?: string }) => {
      lost = error
      if (absent.has(error.code ?? '')) resolve(undefined)
      else reject(error)
    })
    socket.on('close', () => {
      lost ??= new Error('the server closed the control connection')
      for (const one of waiting) one.reject(lost)
    })
    socket.on('timeout', () => {
      // No timeout between two requests: the command may wait for the user.
      if (waiting.length === 0) return
      const seconds = Math.round(timeoutMs / 1000)
      socket.destroy(
        new Error(`the server has not answered for ${seconds} seconds: it may still be at work, its log tells`),
      )
    })
    socket.on('connect', () => {
      readLines(socket, answerBytesMax, (line) => waiting.shift()?.resolve(line))
      resolve({
        ask: (line) =>
          new Promise((resolve, reject) => {
            if (lost) return reject(lost)
            waiting.push({ resolve, reject })
            socket.setTimeout(timeoutMs)
            socket.write(`${line}\n`)
          }),
        close: () => void socket.end(),
      })
    })
  })
}
