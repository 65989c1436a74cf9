// What pennypost/mail loads when it is needed: in a browser it is there, or the browser does it.
import { toASCII, toUnicode } from './idna.mjs'

/** Browsers know the charsets of the Encoding Standard themselves; iconv-lite's further ones (cp437, utf-7 …) are unknown there. */
const iconv = { encodingExists: () => false, decode: () => '' }

export function createRequire() {
  return (name) => (name === 'tr46' ? { toASCII, toUnicode } : iconv)
}
