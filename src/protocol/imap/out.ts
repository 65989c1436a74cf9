/** Gathers what a session says: text of one byte a character, and bytes, copied once into the buffer that the socket gets. */
import { bytesOf, empty } from '../../base/bytes.ts'
import { outputBytes } from './limits.ts'

export class Out {
  #parts: (string | Uint8Array)[] | undefined
  #text = ''
  #size = 0
  /** A response was begun and not ended: nothing else may be said before it is whole or taken back. */
  midResponse = false
  #mark: { readonly parts: number; readonly text: number; readonly size: number } | undefined

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

  /** A response begins that may fail before it is whole. */
  begin(): void {
    this.midResponse = true
    this.#mark = { parts: this.#parts?.length ?? 0, text: this.#text.length, size: this.#size }
  }

  end(): void {
    this.midResponse = false
    this.#mark = undefined
  }

  /** Takes back a response that failed. False: its beginning has left already, and all that is left is to hang up. */
  rollback(): boolean {
    if (!this.midResponse) return true
    const mark = this.#mark
    if (!mark) return false
    const moved = this.#parts?.[mark.parts]
    this.#text = (typeof moved === 'string' ? moved : moved ? '' : this.#text).slice(0, mark.text)
    this.#parts?.splice(mark.parts)
    this.#size = mark.size
    this.end()
    return true
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
    this.#mark = undefined
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
