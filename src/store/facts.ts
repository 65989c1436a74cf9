/** What the store keeps of a content beside its bytes, computed once at delivery. */
import { hash } from 'node:crypto'
import { latin1 } from '../base/bytes.ts'
import { headerMends, type HeaderMend } from '../mail/header-mends.ts'
import { headerFacts, messageFacts, type HeaderFacts, type MessageFacts } from '../mail/message-facts.ts'
import type { Part } from '../mail/mime/part.ts'
import { parseStructure, StructureParser } from '../mail/mime/structure.ts'
import { readSliceBytes } from '../mail/content.ts'
import type { StoredContent } from './content.ts'
import type { ContentFacts, Operation } from './operations.ts'

/** Ids of a message that are followed for its thread: References of endless lists are cut, the nearest are kept. */
const threadIdsMax = 16

/** What the rows of a content that no mailbox has say: a message that only passes through is spared the rest. */
export const noFacts: ContentFacts = { envelope: '', body: '', bodyStructure: '', sentDay: null, threadKeys: [] }

export class FiledFacts {
  readonly message: HeaderFacts
  readonly #root: Part
  #facts: ContentFacts | undefined

  constructor(root: Part) {
    this.#root = root
    this.message = headerFacts(root)
  }

  /** What its bytes need so that the header ends for every program at one place; hardly a message needs any. */
  get mends(): readonly HeaderMend[] {
    const { header, defects } = this.#root
    return header?.oddLines ? headerMends(header, defects.includes('headerLimit')) : []
  }

  /** Computed when a mailbox is to have it. */
  get facts(): ContentFacts {
    return (this.#facts ??= contentFacts(this.#root, this.message))
  }
}

/** @param known what was read of its header already. */
export function contentFacts(root: Part, known?: HeaderFacts): ContentFacts {
  const message = messageFacts(root, known)
  return {
    envelope: spelling(message.envelope),
    body: spelling(message.body),
    bodyStructure: spelling(message.bodyStructure),
    sentDay: message.sentDay ?? null,
    threadKeys: threadKeys(message),
  }
}

/** No IMAP string can hold NUL, and the engine's texts end there: it is shown as `?`. RFC 3501 §9, CHAR8. */
function spelling(bytes: Uint8Array): string {
  const text = latin1(bytes)
  return text.includes('\0') ? text.replaceAll('\0', '?') : text
}

/** The facts of a message that lies in memory. */
export function factsOfBytes(bytes: Uint8Array): FiledFacts {
  return new FiledFacts(parseStructure(bytes))
}

/** The facts of a message that is read in slices. */
export async function factsOfSlices(slices: AsyncIterable<Uint8Array>): Promise<FiledFacts> {
  const parser = new StructureParser()
  for await (const slice of slices) parser.push(slice)
  return new FiledFacts(parser.end())
}

/** The facts of a content that is not in a mailbox yet. `head` is read as if it stood in front of it: fields that submission added. */
export function factsOfContent(content: StoredContent, head: Uint8Array): FiledFacts | Promise<FiledFacts> {
  const { whole } = content
  if (whole) return factsOfBytes(head.length === 0 ? whole : Buffer.concat([head, whole]))
  return factsOfSlices(slicesOf(content, head))
}

async function* slicesOf(content: StoredContent, head: Uint8Array): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head
  for (let at = 0; at < content.sizeBytes; at += readSliceBytes)
    yield await content.read(at, Math.min(content.sizeBytes, at + readSliceBytes))
}

/** Whether the message comes into a mailbox here, now or out of the queue. */
export function isFiled({
  filings,
  queue,
}: Pick<Extract<Operation, { kind: 'arrive' }>, 'filings' | 'queue'>): boolean {
  return filings.length > 0 || (queue?.recipients.some(({ destination }) => destination.kind === 'local') ?? false)
}

/** The thread keys of a message, of its first bytes: they need the header alone. */
export function threadKeysOf(header: Uint8Array): readonly number[] {
  return threadKeys(messageFacts(parseStructure(header)))
}

/** Own id first, then those it answers, nearest first; each with the base subject: RFC 8621 §3 wants both to agree. */
function threadKeys({ messageIdKeys, baseSubject }: MessageFacts): number[] {
  const { messageId, references } = messageIdKeys
  const ids = new Set([...(messageId === undefined ? [] : [messageId]), ...references.toReversed()])
  const keys: number[] = []
  for (const id of ids) {
    if (keys.length === threadIdsMax) break
    keys.push(hash48(`${baseSubject.text}\u0000${id}`))
  }
  return keys
}

/** 48 bits of SHA-256: collisions would join two threads of one account, so an attacker must not be able to make one cheaply. */
function hash48(text: string): number {
  return Number.parseInt(hash('sha256', text).slice(0, 12), 16)
}

/**
 * What was put before a content when its facts were computed: the fields that submission adds. Return-Path, Delivered-To and
 * Received say nothing that the facts hold.
 */
export function factsHead(prefix: string): string {
  const at = prefix.search(/^(?:Date|Message-ID):/im)
  return at < 0 ? '' : prefix.slice(at)
}
