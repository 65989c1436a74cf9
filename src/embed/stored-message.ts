/** A message in a mailbox, as the program that embeds the system sees it. */
import { readMessage, type ReadMessage } from '../mail/view/read-message.ts'
import type { MessageRow, Store } from '../store/store.ts'

export class StoredMessage {
  /** Unique in its mailbox, and strictly ascending. RFC 9051 §2.3.1.1. */
  readonly uid: number
  /** INTERNALDATE, milliseconds since 1970. RFC 9051 §2.3.3. */
  readonly receivedAtMs: number
  /** With the trace fields that were added at delivery. */
  readonly sizeBytes: number
  readonly #store: Store
  readonly #mailbox: number

  /** @internal */
  constructor(store: Store, mailbox: number, { uid, internalDate, sizeBytes }: MessageRow) {
    this.uid = uid
    this.receivedAtMs = internalDate.epochMs
    this.sizeBytes = sizeBytes
    this.#store = store
    this.#mailbox = mailbox
  }

  /** As IMAP shows it: Return-Path, Delivered-To and Received, then the message as it arrived. Rejects if it was removed meanwhile. */
  async bytes(): Promise<Uint8Array> {
    const uids = Uint32Array.of(this.uid)
    for await (const [row] of this.#store.read.rows(this.#mailbox, uids, { bytes: true })) {
      if (!row?.bytes) break
      return (await row.bytes.read(0, row.bytes.sizeBytes)).slice()
    }
    throw new Error(`message ${this.uid} is not there any more`)
  }

  /** Parsed by `pennypost/mail`: subject, texts, files and so on. Rejects if it was removed meanwhile. */
  async parse(): Promise<ReadMessage> {
    return readMessage(await this.bytes())
  }
}
