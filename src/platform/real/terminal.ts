/** The person or the script at the other end of a command: texts out, passwords in, signals. */
import { userInfo } from 'node:os'
import type { ReadStream } from 'node:tty'

/** What a command needs of its surroundings; tests hand in their own. */
export interface Terminal {
  /** A person reads standard error. */
  readonly isPerson: boolean
  /** Results. */
  out(text: string): void
  /** Notes and faults. */
  note(text: string): void
  /** A secret typed at the terminal, not shown; undefined where stdin is none. */
  readSecret(prompt: string): Promise<string | undefined>
  /** An answer from the keyboard; undefined where there is none. */
  readAnswer?(prompt: string): Promise<string | undefined>
  /** All of standard input as text; undefined where it is a keyboard. Throws when it is longer. */
  readText?(bytesMax: number): Promise<string | undefined>
  /** The first line of standard input. */
  readLine(): Promise<string>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** @returns how to stop listening. */
  onSignal(name: 'SIGINT' | 'SIGTERM' | 'SIGHUP', run: () => void): () => void
  /** Ends the process now. */
  exit(status: number): void
}

/** What sendmail needs besides. */
export interface MailTerminal extends Terminal {
  /** All of standard input; undefined when it is longer. */
  readAll(bytesMax: number): Promise<Uint8Array | undefined>
  /** The user who runs this. */
  userName(): string
}

/** A line of standard input: a password with room to spare. */
const lineBytesMax = 64 * 1024

/** Somebody gave up in the middle: Ctrl-C at a prompt. */
export class Interrupted extends Error {}

async function readLine(): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    const end = chunk.indexOf(10)
    chunks.push(end < 0 ? chunk : chunk.subarray(0, end))
    bytes += chunk.length
    if (end >= 0 || bytes > lineBytesMax) break
  }
  return Buffer.concat(chunks).toString('utf8').replace(/\r$/, '')
}

async function readAll(bytesMax: number): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bytesMax) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** A process without an entry in the user table (a container) is known by its number. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid${process.getuid?.() ?? ''}`
  }
}

async function readAnswer(prompt: string): Promise<string | undefined> {
  if (!process.stdin.isTTY) return undefined
  const { createInterface } = await import('node:readline/promises')
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('SIGINT', () => reject(new Interrupted('Interrupted')))
      lines.question(prompt).then(resolve, reject)
    })
  } finally {
    lines.close()
  }
}

/** Reads keys one by one with the echo off. */
function readSecret(prompt: string): Promise<string | undefined> {
  const input = process.stdin as ReadStream
  if (!input.isTTY) return Promise.resolve(undefined)
  process.stderr.write(prompt)
  return new Promise((resolve, reject) => {
    let typed: string[] = []
    const done = (settle: () => void): void => {
      input.setRawMode(false)
      input.pause()
      input.removeListener('data', key)
      process.stderr.write('\n')
      settle()
    }
    const key = (chunk: string): void => {
      for (const character of chunk) {
        if (character === '\r' || character === '\n' || character === '\u0004')
          return done(() => resolve(typed.join('')))
        if (character === '\u0003') return done(() => reject(new Interrupted('Interrupted')))
        if (character === '\u007f' || character === '\b') typed.pop()
        else if (character === '\u0015') typed = []
        else if (character >= ' ' && typed.length < lineBytesMax) typed.push(character)
      }
    }
    input.setRawMode(true)
    input.setEncoding('utf8')
    input.on('data', key)
    input.resume()
  })
}

export function processTerminal(): MailTerminal {
  // Whoever reads us may have left (`| head`): that is no fault of the command.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  return {
    isPerson: process.stderr.isTTY === true,
    out: (text) => void process.stdout.write(text),
    note: (text) => void process.stderr.write(text),
    readSecret,
    readAnswer,
    readLine,
    readAll,
    async readText(bytesMax) {
      if (process.stdin.isTTY) return undefined
      const bytes = await readAll(bytesMax)
      if (!bytes) throw new Error('standard input is longer than any message may be')
      return Buffer.from(bytes).toString('utf8')
    },
    userName,
    environment: process.env,
    onSignal(name, run) {
      process.on(name, run)
      return () => void process.removeListener(name, run)
    },
    exit: (status) => process.exit(status),
  }
}
