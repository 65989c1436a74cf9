/** How a handler refuses. RFC 5321 §4.2, RFC 3463. */
import { Refusal } from '../../mail/status.ts'

/** RFC 5321 §4.5.3.1.5: a reply line has at most 512 octets, including code, enhanced code and line end. */
const textLengthMax = 480

/**
 * Thrown by a handler of `SmtpServer`: becomes the reply, word for word; nothing is logged.
 *
 * @param code 400 to 599. 4xx: try again later; 5xx: never. A 421 also ends the connection (RFC 5321 §3.8).
 * @param enhanced of the same class, as `5.7.1`. RFC 3463, RFC 5248.
 * @param text ASCII, seen by unauthenticated clients. Control characters become spaces, so that text from elsewhere cannot begin a
 * new reply line.
 * Throws a TypeError for a code outside 400 to 599, or an enhanced code of another class.
 */
export class SmtpRefusal extends Refusal {
  constructor(code: number, enhanced: string, text: string, options?: { readonly cause?: unknown }) {
    if (!Number.isInteger(code) || code < 400 || code > 599) throw new TypeError(`${code} refuses nothing`)
    if (!new RegExp(`^${Math.floor(code / 100)}\\.\\d{1,3}\\.\\d{1,3}$`).test(enhanced))
      throw new TypeError(`"${enhanced}" is no enhanced code for ${code}`)
    super({ code, enhanced, text: plainWords(text) }, options)
    this.name = 'SmtpRefusal'
  }
}

/** One line of a reply. */
export function plainWords(text: string): string {
  return text
    .replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .trim()
    .slice(0, textLengthMax)
}
