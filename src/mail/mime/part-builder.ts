/** A part while the structure pass is still in it: reads its header into what `Part` tells. */
import { Header } from '../header.ts'
import { parseContentDisposition } from './content-disposition.ts'
import type { ContentDisposition } from './content-disposition.ts'
import { defaultContentType, digestContentType, parseContentType } from './content-type.ts'
import type { ContentType } from './content-type.ts'
import { encodingName } from './field-value.ts'
import type { Defect, Part, PartKind } from './part.ts'

/** Tags of one Content-Language field; it names the languages of one text. */
const languagesMax = 50

export class PartBuilder implements Part {
  kind: PartKind = 'text'
  headerStart: number
  bodyStart: number
  bodyEnd: number
  lines = 0
  contentType: ContentType = defaultContentType
  typed = false
  disposition: ContentDisposition | undefined
  encoding = '7bit'
  id: string | undefined
  description: string | undefined
  md5: string | undefined
  location: string | undefined
  languages: string[] = []
  children: PartBuilder[] = []
  message: PartBuilder | undefined
  header: Header | undefined
  defects: Defect[] = []

  constructor(start: number, isDigestMember: boolean) {
    this.headerStart = start
    this.bodyStart = start
    this.bodyEnd = start
    if (isDigestMember) this.contentType = digestContentType
  }

  note(defect: Defect): void {
    if (!this.defects.includes(defect)) this.defects.push(defect)
  }

  /**
   * Takes over what the header says.
   * @param isMessage whether the header itself is to be kept: with the fields that stand in its body, too, since a program that judges
   * the message has to know what others may read. @param bodyAt fields from there on say nothing of the part.
   */
  readHeader(text: string, isMessage: boolean, bodyAt: number): void {
    const header = new Header(text, this.headerStart)
    if (isMessage) this.header = header
    if (header.oddLines) this.note('headerLine')
    if (header.truncated) this.note('headerLimit')
    let encoded = false
    for (const field of header.fields) {
      if (!field.name.startsWith('content-') || field.start - this.headerStart >= bodyAt) continue
      // The first of each counts, as everywhere in this room: a second one was often added to deceive a scanner.
      switch (field.name) {
        case 'content-type': {
          if (this.typed) break
          const parsed = parseContentType(header.value(field))
          if (parsed === undefined) this.note('contentType')
          else {
            this.contentType = parsed
            this.typed = true
          }
          break
        }
        case 'content-transfer-encoding': {
          const name = encodingName(header.value(field))
          if (!encoded && name !== '') {
            this.encoding = name
            encoded = true
          }
          break
        }
        case 'content-disposition':
          this.disposition ??= parseContentDisposition(header.value(field))
          break
        case 'content-id':
          this.id ??= header.value(field)
          break
        case 'content-description':
          this.description ??= header.value(field)
          break
        case 'content-md5':
          this.md5 ??= header.value(field)
          break
        case 'content-location':
          // A long URI may be folded anywhere. RFC 2557 §4.4.2.
          this.location ??= header.value(field).replace(/[ \t]+/g, '')
          break
        case 'content-language':
          if (this.languages.length === 0) this.languages = parseLanguages(header.value(field))
          break
      }
    }
  }
}

/** `en, de (Swiss)` to its tags. RFC 3282 §2. */
function parseLanguages(value: string): string[] {
  const text = value.includes('(') ? value.replace(/\([^()]*\)?/g, ' ') : value
  return text.split(/[\s,;]+/, languagesMax).filter((tag) => tag !== '')
}
