/** Message bytes on their way in (a sink) and out (a reader). Both keep memory flat however large the message is. */

/** Where a protocol puts the bytes of a message that arrives: SMTP DATA, IMAP APPEND, JMAP upload. */
export interface ContentSink<Content = unknown> {
  /**
   * Takes bytes, which are the sink's from then on: nobody writes into their memory any more.
   * @returns false when the writer should wait for `drained()` before it writes more.
   */
  write(bytes: Uint8Array): boolean
  drained(): Promise<void>
  /** No more bytes come: the content can now be named in a commit. */
  finish(): Promise<Content>
  /** The sender went away or was refused: forget all of it. */
  abort(): void
}

/** The bytes of a stored message, what we prepended to it included. */
export interface MessageBytes {
  readonly sizeBytes: number
  /**
   * The bytes [start, end). Answers at once (not a promise) when they are in memory already.
   * A reader of large messages asks in slices of `readSliceBytes`.
   */
  read(start: number, end: number): Uint8Array | Promise<Uint8Array>
  /** All of it as it lies in memory, uncopied; undefined where it does not. */
  pieces?(): readonly Uint8Array[] | undefined
  /** Why the bytes cannot be read, where that is known: then `read` throws. */
  readonly problem?: string | undefined
}

/** How much of a message is read, and held, at a time. 64 KiB fills a socket buffer and is cheap to hold for 10,000 connections. */
export const readSliceBytes = 65_536
