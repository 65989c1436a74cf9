/** The terminal or script that runs a command: output, passwords, signals. */
import { userInfo } from 'node:os'
import type { ReadStream } from 'node:tty'

/** The interface that commands use; tests pass their own. */
export interface Terminal {
  /** Standard error is a terminal. */
  readonly isPerson: boolean
  /** Writes results, to standard output. */
  out(text: string): void
  /** Writes notes and errors, to standard error. */
  note(text: string): void
  /** A secret typed at the terminal without echo; undefined if stdin is not a terminal. */
  readSecret(prompt: string): Promise<string | undefined>
  /** An answer typed at the terminal; undefined if stdin is not one. */
  readAnswer?(prompt: string): Promise<string | undefined>
  /** All of standard input as text; undefined if it is a terminal. Throws if it is longer than `bytesMax`. */
  readText?(bytesMax: number): Promise<string | undefined>
  /** The first line of standard input. */
  readLine(): Promise<string>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** @returns a function that stops listening. */
  onSignal(name: 'SIGINT' | 'SIGTERM' | 'SIGHUP', run: () => void): () => void
  /** Ends the process now. */
  exit(status: number): void
}

/** In addition, for sendmail. */
export interface MailTerminal extends Terminal {
  /** All of standard input; undefined if it is longer. */
  readAll(bytesMax: number): Promise<Uint8Array | undefined>
  /** The user who runs this. */
  userName(): string
}

/** Limit of a line of standard input, which is a password. */
const lineBytesMax = 64 * 1024

/** The user pressed Ctrl-C at a prompt. */
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

/** The user's number, if it is not in the user database (as in a container). */
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

/** Reads key by key without echo. */
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
  // The reader of our output may have ended (`| head`): that is no error of the command.
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
