/** Folds text for comparison: differences of case, width and the encoding of accents disappear. */

/**
 * Departs: RFC 5051 §2, because i;unicode-casemap maps each character to title case and decomposes it, while this takes
 * the platform's lower case of the NFKD form: the same pairs match, but for a few characters such as final sigma, which
 * match here and not there.
 */
export function foldText(text: string): string {
  if (isAsciiText(text)) return text.toLowerCase()
  return text.normalize('NFKD').toLowerCase().normalize('NFKD').replaceAll('ς', 'σ')
}

export function isAsciiText(text: string): boolean {
  return !/[^\0-\x7f]/.test(text)
}
