/** RETR and TOP: a message, or its header and first lines. RFC 1939 §5, §7. */
import { isAscii } from 'node:buffer'
import { empty } from '../../../base/bytes.ts'
import { readSliceBytes, type MessageBytes } from '../../../mail/content.ts'
import { headerEnd } from '../../../mail/header.ts'
import { surrogateHeader } from '../../../mail/surrogate.ts'
import { DotStuffer } from '../../text/dots.ts'
import { command, messageIndex, type Pop3State } from '../command.ts'
import { err, ok, Pop3Fault } from '../reply.ts'

const LF = 10

async function* send(
  state: Pop3State,
  index: number,
  cut: (slice: Uint8Array) => Uint8Array | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  const bytes = await state.maildrop.read(index)
  if (!bytes) {
    yield err(state.words.removedElsewhere)
    return
  }
  if (bytes.problem !== undefined) {
    // RFC 3206 §4: a client that tries again gets the same answer.
    yield err(state.words.unreadable, 'SYS/PERM')
    return
  }
  const stuffer = new DotStuffer()
  yield ok(state.words.octets(bytes.sizeBytes))
  for await (const slice of state.utf8 ? slices(bytes) : conventional(slices(bytes))) {
    const wanted = cut(slice)
    if (wanted) yield stuffer.push(wanted)
    if (!wanted || wanted.length < slice.length) break
  }
  yield stuffer.end()
}

async function* slices(bytes: MessageBytes): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.sizeBytes; at += readSliceBytes) {
    yield await bytes.read(at, Math.min(at + readSliceBytes, bytes.sizeBytes))
  }
}

/** The longest header that is looked through for UTF-8: twice what the large providers take. */
const headerLooked = 1024 * 1024

/** The message for a client that has not said UTF8: with a surrogate header where it needs one. RFC 6856 §2.1. */
async function* conventional(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head: Uint8Array | undefined = empty
  for await (const slice of parts) {
    if (head === undefined) {
      yield slice
      continue
    }
    head = head.length === 0 ? slice : Buffer.concat([head, slice])
    const end = headerEnd(head, 0, head.length)
    if (end === head.length && head.length < headerLooked && slice.length === readSliceBytes) continue
    const surrogate = surrogateHeader(head.subarray(0, end))
    if (surrogate) yield surrogate
    yield surrogate ? head.subarray(end) : head
    head = undefined
  }
}

export const retr = command({
  name: 'RETR',
  states: ['transaction'],
  grammar: ([message], state) => messageIndex(state, message),
  run(state, index) {
    const held = state.maildrop.held?.(index)
    return held ? whole(state, held) : { kind: 'run', work: send(state, index, (slice) => slice) }
  },
})

/** The answer to RETR for a message that is in memory. */
function whole(state: Pop3State, pieces: readonly Uint8Array[]): Uint8Array {
  const stuffer = new DotStuffer()
  const sizeBytes = pieces.reduce((sum, { length }) => sum + length, 0)
  const surrogated = state.utf8 || pieces.every(isAscii) ? pieces : withSurrogate(Buffer.concat(pieces))
  return joined([ok(state.words.octets(sizeBytes)), ...surrogated.map((piece) => stuffer.push(piece)), stuffer.end()])
}

function withSurrogate(message: Uint8Array): readonly Uint8Array[] {
  const end = headerEnd(message, 0, message.length)
  const surrogate = surrogateHeader(message.subarray(0, end))
  return surrogate ? [surrogate, message.subarray(end)] : [message]
}

/** Answers of one size with the gathered replies of a connection, which it may hold up as long as they do. */
const slabBytes = 65_536
let slab = Buffer.alloc(0)
let slabUsed = 0

/** As Buffer.concat; small ones share their memory, since thousands a second would keep the garbage collector busy. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  if (length > slabBytes / 4) return Buffer.concat(parts, length)
  if (slabUsed + length > slab.length) {
    slab = Buffer.allocUnsafeSlow(slabBytes)
    slabUsed = 0
  }
  const start = slabUsed
  for (const part of parts) {
    slab.set(part, slabUsed)
    slabUsed += part.length
  }
  return slab.subarray(start, slabUsed)
}

/** Lets the header, the blank line and `lines` lines of the body through; slices may be cut anywhere. */
function topCut(lines: number): (slice: Uint8Array) => Uint8Array | undefined {
  let inHeader = true
  let lineBytes = 0
  let left = lines
  let endsWithCr = false
  return (slice) => {
    if (!inHeader && left === 0) return undefined
    let from = 0
    for (;;) {
      const lf = slice.indexOf(LF, from)
      if (lf < 0) {
        lineBytes += slice.length - from
        if (slice.length > from) endsWithCr = slice[slice.length - 1] === 13
        return slice
      }
      lineBytes += lf - from
      const cr = lf > from ? slice[lf - 1] === 13 : endsWithCr
      const blank = lineBytes === 0 || (lineBytes === 1 && cr)
      lineBytes = 0
      endsWithCr = false
      from = lf + 1
      if (inHeader) inHeader = !blank
      else left--
      if (!inHeader && left === 0) return slice.subarray(0, from)
    }
  }
}

export const top = command({
  name: 'TOP',
  states: ['transaction'],
  capability: () => ['TOP'],
  grammar([message, lines], state) {
    const index = messageIndex(state, message)
    if (lines === undefined || !/^\d{1,9}$/.test(lines))
      throw new Pop3Fault((words) => words.usage('TOP message lines'))
    return { index, lines: Number(lines) }
  },
  run: (state, { index, lines }) => ({ kind: 'run', work: send(state, index, topCut(lines)) }),
})
