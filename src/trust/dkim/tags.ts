/** Tag lists: `v=1; a=rsa-sha256; …`. RFC 6376 §3.2. */

/** @returns undefined for what is no tag list; a tag that stands twice makes it none. Values keep inner white space. */
export function parseTags(text: string): ReadonlyMap<string, string> | undefined {
  const tags = new Map<string, string>()
  const parts = text.split(';')
  for (const [at, part] of parts.entries()) {
    if (part.trim() === '') {
      // Only the last may be empty.
      if (at === parts.length - 1) continue
      return undefined
    }
    const equals = part.indexOf('=')
    if (equals < 0) return undefined
    const name = part.slice(0, equals).trim()
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name) || tags.has(name)) return undefined
    tags.set(name, part.slice(equals + 1).trim())
  }
  return tags
}

/** Base64 with white space in it, as long values have it. undefined when it is none. */
export function decodeTagBase64(text: string): Uint8Array | undefined {
  const flat = text.replace(/[ \t\r\n]+/g, '')
  return flat !== '' && /^[A-Za-z0-9+/]+={0,2}$/.test(flat) ? Buffer.from(flat, 'base64') : undefined
}
