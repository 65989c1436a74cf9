/** Gathers what a session says: text of one byte a character, and bytes, copied once into the buffer that the socket gets. */
import { bytesOf, empty } from '../../base/bytes.ts'
import { outputBytes } from './limits.ts'

export class Out {
  #parts: (string | Uint8Array)[] | undefined
  #text = ''
  #size = 0
  /** True between a literal's announcement and its last byte: a fault here can only be answered by hanging up. */
  literalOpen = false

  get size(): number {
    return this.#size
  }

  get full(): boolean {
    return this.#size >= outputBytes
  }

  text(text: string): void {
    this.#text += text
    this.#size += text.length
  }

  bytes(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#parts ??= []
    if (this.#text !== '') {
      this.#parts.push(this.#text)
      this.#text = ''
    }
    this.#parts.push(bytes)
    this.#size += bytes.length
  }

  /** `* OK [code] text`. */
  untaggedOk(code: string, text: string): void {
    this.text(`* OK [${code}] ${text}\r\n`)
  }

  /** Everything said so far when it is text of no more than `sizeMax`; else nothing is taken. */
  takeText(sizeMax: number): string | undefined {
    if (this.#parts || this.#size > sizeMax) return undefined
    const text = this.#text
    this.#text = ''
    this.#size = 0
    return text
  }

  /** Everything said so far; nothing is kept. */
  take(): Uint8Array {
    if (this.#size === 0) return empty
    const parts = this.#parts
    const text = this.#text
    const size = this.#size
    this.#text = ''
    this.#size = 0
    this.#parts = undefined
    if (!parts) return bytesOf(text)
    if (parts.length === 1 && text === '') {
      const only = parts[0]!
      return typeof only === 'string' ? bytesOf(only) : only
    }
    const bytes = Buffer.allocUnsafe(size)
    let at = 0
    for (const part of parts) {
      if (typeof part === 'string') at += bytes.write(part, at, 'latin1')
      else {
        bytes.set(part, at)
        at += part.length
      }
    }
    if (text !== '') bytes.write(text, at, 'latin1')
    return bytes
  }
}
