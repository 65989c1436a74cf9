/** Which fields of a header a signature covers, and in what form: the same for DKIM and ARC. RFC 6376 §3.7, §5.4.2. */
import type { Header } from '../../mail/header.ts'
import { canonicalField, type Canonicalization } from './canonical.ts'

/** The signed fields in order: of a name that stands several times the last one first; one that is missing is nothing. */
export function signedFields(header: Header, names: readonly string[], form: Canonicalization): string {
  const left = new Map<string, string[]>()
  for (const name of names)
    if (!left.has(name))
      left.set(
        name,
        header.all(name).map((field) => header.raw(field)),
      )
  let text = ''
  for (const name of names) {
    const raw = left.get(name)!.pop()
    if (raw !== undefined) text += canonicalField(raw.endsWith('\n') ? raw : `${raw}\r\n`, form)
  }
  return text
}
