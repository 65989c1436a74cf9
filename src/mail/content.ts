/** Interfaces to write message bytes (a sink) and to read them. Both use little memory however large the message is. */

/** Takes the bytes of an arriving message: SMTP DATA, IMAP APPEND, JMAP upload. */
export interface ContentSink<Content = unknown> {
  /**
   * Takes bytes, which belong to the sink from then on: the caller must not overwrite them.
   * @returns false if the caller should wait for `drained()` before it writes more.
   */
  write(bytes: Uint8Array): boolean
  drained(): Promise<void>
  /** Call after the last byte: the content can then be named in a commit. */
  finish(): Promise<Content>
  /** The client disconnected or was refused: drops all bytes. */
  abort(): void
}

/** The bytes of a stored message, including the prefix that we added. */
export interface MessageBytes {
  readonly sizeBytes: number
  /**
   * The bytes [start, end). Not a promise if they are in memory.
   * Large messages are read in slices of `readSliceBytes`.
   */
  read(start: number, end: number): Uint8Array | Promise<Uint8Array>
  /** The whole message without copying, if it is in memory; else undefined. */
  pieces?(): readonly Uint8Array[] | undefined
  /** Why the bytes cannot be read, if known: `read` then throws. */
  readonly problem?: string | undefined
}

/** Bytes of a message read and held at a time. 64 KiB fill a socket buffer and are cheap to hold for 10,000 connections. */
export const readSliceBytes = 65_536
