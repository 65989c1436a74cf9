/** How strings are compared. RFC 4790 §9, RFC 5228 §2.7.3, RFC 5051. */
import { foldText } from '../mail/fold-text.ts'

export interface Comparator {
  /** `i;octet`. Its capability is `comparator-` and the name. */
  readonly name: string
  /** Strings are equal if these are. */
  fold(text: string): string
  /** Compares folded strings: below 0, 0 or above 0. */
  order(one: string, other: string): number
  /** Whether parts of strings can be looked for. RFC 4790 §4.2.2. */
  readonly substrings: boolean
  /** Folding keeps the place of each character. */
  readonly keepsPlaces: boolean
}

/** The order of the octets in UTF-8, which is that of the code points, not that of UTF-16. */
export function octetOrder(one: string, other: string): number {
  if (one === other) return 0
  const length = Math.min(one.length, other.length)
  let at = 0
  while (at < length && one.charCodeAt(at) === other.charCodeAt(at)) at += 1
  if (at === length) return one.length - other.length
  return surrogatesLast(one.charCodeAt(at)) - surrogatesLast(other.charCodeAt(at))
}

function surrogatesLast(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}

export const octet: Comparator = {
  name: 'i;octet',
  fold: (text) => text,
  order: octetOrder,
  substrings: true,
  keepsPlaces: true,
}

/** A to Z alone are equal to a to z. RFC 4790 §9.2. */
export const asciiCasemap: Comparator = {
  name: 'i;ascii-casemap',
  fold: (text) =>
    /[^\0-\x7f]/.test(text) ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text.toLowerCase(),
  // The order is that of upper case: `_` comes behind the letters.
  order: (one, other) => octetOrder(upperAscii(one), upperAscii(other)),
  substrings: true,
  keepsPlaces: true,
}

function upperAscii(text: string): string {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase())
}

/** Departs: RFC 5051 §2, as `foldText` does. */
export const unicodeCasemap: Comparator = {
  name: 'i;unicode-casemap',
  fold: foldText,
  order: octetOrder,
  substrings: true,
  keepsPlaces: false,
}

/** Sorts behind every number. */
const noNumber = ':'

/** The number that a string begins with; without one it is infinite. RFC 4790 §9.1. */
export const asciiNumeric: Comparator = {
  name: 'i;ascii-numeric',
  fold: (text) => /^0*(\d+)/.exec(text)?.[1] ?? noNumber,
  order: (one, other) => {
    if (one === noNumber || other === noNumber) return Number(one === noNumber) - Number(other === noNumber)
    // Of any length, without numbers that lose digits.
    return one.length - other.length || octetOrder(one, other)
  },
  substrings: false,
  keepsPlaces: false,
}
