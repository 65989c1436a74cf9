/** The log file, which is reopened after it was moved away (logrotate). */
import { createWriteStream, existsSync, fchmod, type WriteStream } from 'node:fs'
import type { LogTarget } from './log.ts'

export interface LogFile extends LogTarget {
  /** Reopens the file by its name, or opens another one; undefined: `fallback`. */
  reopen(path: string | undefined): void
  /** Resolves when everything is written. */
  close(): Promise<void>
}

/** @param fallback gets the events without a file, or if it cannot be written: they must not get lost. */
export function logFile(path: string | undefined, fallback: LogTarget): LogFile {
  let stream: WriteStream | undefined
  const open = (name: string | undefined): void => {
    if (name === undefined) {
      stream = undefined
      return
    }
    const isNew = !existsSync(name)
    const opened = createWriteStream(name, { flags: 'a', mode: 0o640 })
    // Readable for the group, whatever the umask; not for others, since it tells who writes to whom.
    if (isNew) opened.once('open', (descriptor) => fchmod(descriptor, 0o640, () => {}))
    opened.on('error', (error) => {
      if (stream === opened) stream = undefined
      fallback.write(
        `${JSON.stringify({ level: 'error', event: 'log file cannot be written', error: String(error) })}\n`,
      )
    })
    stream = opened
  }
  open(path)
  return {
    write: (line) => (stream ?? fallback).write(line),
    reopen(name) {
      const before = stream
      open(name)
      before?.end()
    },
    close: () =>
      new Promise((done) => {
        if (!stream || stream.destroyed) return done()
        stream.once('close', done)
        stream.end()
      }),
  }
}
