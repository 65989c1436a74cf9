/** A file that events are written to, and that is opened anew when it was moved away (logrotate). */
import { createWriteStream, existsSync, fchmod, type WriteStream } from 'node:fs'
import type { LogTarget } from './log.ts'

export interface LogFile extends LogTarget {
  /** Goes on in the file of that name as it is now, or in another one; undefined: in `fallback`. */
  reopen(path: string | undefined): void
  /** Resolves when all of it is written. */
  close(): Promise<void>
}

/** @param fallback where events go without a file, and when it cannot be written: trouble must be told somewhere. */
export function logFile(path: string | undefined, fallback: LogTarget): LogFile {
  let stream: WriteStream | undefined
  const open = (name: string | undefined): void => {
    if (name === undefined) {
      stream = undefined
      return
    }
    const isNew = !existsSync(name)
    const opened = createWriteStream(name, { flags: 'a', mode: 0o640 })
    // Others of the group may read it, whatever the umask; nobody else needs to know who writes to whom.
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
