/** Compressed RTF, as Outlook keeps bodies. [MS-OXRTFCP] §2. */
import { Bytes } from './bytes.ts'

/** What the dictionary holds at the beginning. [MS-OXRTFCP] §2. */
const initial =
  '{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript ' +
  '\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par ' +
  '\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx'

const compressed = 0x75465a4c
const plain = 0x414c454d
const windowSize = 4_096

/** Of one body. Two bytes become 17 at most, so a part of 25 MB could ask for 200; texts reach one or two, pictures in them more. */
export const rtfBytesMax = 67_108_864

/** The RTF, or as much of it as can be read; undefined for what is none. */
export function decompressRtf(bytes: Uint8Array): Uint8Array | undefined {
  const data = new Bytes(bytes)
  const size = data.u32()
  const rawSize = data.u32()
  const type = data.u32()
  if (data.u32() === undefined || size === undefined || rawSize === undefined) return undefined
  // The size counts from behind itself.
  const body = data.takeUpTo(Math.max(0, size - 12))
  if (type === plain) return new Uint8Array(body.subarray(0, rawSize))
  return type === compressed ? expand(body, rawSize) : undefined
}

function expand(body: Uint8Array, rawSize: number): Uint8Array {
  const out = new Uint8Array(Math.min(rawSize, rtfBytesMax, body.length * 9))
  const dictionary = new Uint8Array(windowSize).fill(0x20)
  for (let at = 0; at < initial.length; at += 1) dictionary[at] = initial.charCodeAt(at)
  let write = initial.length
  let length = 0
  let at = 0
  const put = (byte: number): void => {
    out[length++] = byte
    dictionary[write] = byte
    write = (write + 1) % windowSize
  }
  while (at < body.length && length < out.length) {
    const control = body[at]!
    at += 1
    for (let bit = 0; bit < 8 && at < body.length && length < out.length; bit += 1) {
      if (((control >> bit) & 1) === 0) {
        put(body[at]!)
        at += 1
        continue
      }
      if (at + 1 >= body.length) return out.subarray(0, length)
      const reference = (body[at]! << 8) | body[at + 1]!
      at += 2
      const from = reference >> 4
      // A reference to where is written next ends the text.
      if (from === write) return out.subarray(0, length)
      for (let copied = 0; copied < (reference & 15) + 2 && length < out.length; copied += 1)
        put(dictionary[(from + copied) % windowSize]!)
    }
  }
  return out.subarray(0, length)
}
