/** Writes TNEF for tests, by [MS-OXTNEF] §2.1: what Outlook would make of a few files and texts. */

const u16 = (value: number): Buffer => Buffer.from([value & 255, (value >> 8) & 255])
const u32 = (value: number): Buffer => {
  const out = Buffer.alloc(4)
  out.writeUInt32LE(value >>> 0)
  return out
}

export function attribute(level: 1 | 2, id: number, content: Uint8Array): Buffer {
  const sum = content.reduce((so, byte) => (so + byte) & 0xffff, 0)
  return Buffer.concat([Buffer.from([level]), u32(id), u32(content.length), content, u16(sum)])
}

/** A property with one value of variable length. */
export function property(type: number, id: number, content: Uint8Array): Buffer {
  const padding = Buffer.alloc((4 - (content.length % 4)) % 4)
  return Buffer.concat([u16(type), u16(id), u32(1), u32(content.length), content, padding])
}

export const properties = (...all: Uint8Array[]): Buffer => Buffer.concat([u32(all.length), ...all])
export const utf16 = (text: string): Buffer => Buffer.from(`${text}\0`, 'utf16le')

export interface TnefDraft {
  readonly subject?: string
  readonly html?: string
  readonly files: readonly { readonly name: string; readonly content: Uint8Array }[]
}

export function writeTnef({ subject, html, files }: TnefDraft): Buffer {
  const own = [
    // A number, a boolean and a named property before what is looked for.
    Buffer.concat([u16(0x0003), u16(0x3fde), u32(65_001)]),
    Buffer.concat([u16(0x000b), u16(0x0e1f), u32(1)]),
    Buffer.concat([
      u16(0x0003),
      u16(0x8001),
      Buffer.alloc(16, 7),
      u32(1),
      u32(6),
      Buffer.from('x\0y\0\0\0\0\0', 'latin1'),
      u32(5),
    ]),
    ...(subject === undefined ? [] : [property(0x001f, 0x0037, utf16(subject))]),
    ...(html === undefined ? [] : [property(0x0102, 0x1013, Buffer.from(html))]),
  ]
  return Buffer.concat([
    u32(0x223e9f78),
    u16(1),
    attribute(1, 0x00089006, u32(0x00010000)),
    attribute(1, 0x00069007, Buffer.concat([u32(1252), u32(0)])),
    attribute(1, 0x00078008, Buffer.from('IPM.Microsoft Mail.Note\0')),
    attribute(1, 0x00069003, properties(...own)),
    ...files.flatMap(({ name, content }, at) => [
      attribute(2, 0x00069002, Buffer.concat([u16(1), u32(0xffffffff), u16(32), u16(32), u32(0)])),
      attribute(2, 0x00018010, Buffer.from(`FILE${at}.BIN\0`)),
      attribute(2, 0x0006800f, content),
      attribute(2, 0x00069005, properties(property(0x001f, 0x3707, utf16(name)))),
    ]),
  ])
}
