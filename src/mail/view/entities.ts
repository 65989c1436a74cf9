/** Character references of HTML. HTML Standard §13.5. */
import { decodeHTML } from 'entities/decode'

/** Character references as HTML has them (§13.5, §13.2.5.80): all names, also without a semicolon where it may be left out, and windows-1252 numbers. */
export function decodeEntities(text: string): string {
  return text.includes('&') ? decodeHTML(text) : text
}
