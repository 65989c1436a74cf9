// What pennypost/mail uses of tr46, for browsers: they map domains to A-labels themselves, where they read URLs (UTS 46, not transitional),
// which spares 60 KB of tables. Only the way back is written here. RFC 3492, RFC 5891.

/** No part of a domain, but a part of a URL around one. */
const foreign = /[\u0000-\u002c/:-@[-`{-\u007f]/

/** @returns null for what is no domain. */
export function toASCII(domain) {
  if (foreign.test(domain)) return null
  try {
    return new URL(`http://${domain}/`).hostname
  } catch {
    return null
  }
}

/** U-labels where the A-labels are those that they would be given. */
export function toUnicode(given) {
  const domain = given.toLowerCase()
  try {
    const labels = domain.split('.').map((label) => (label.startsWith('xn--') ? decode(label.slice(4)) : label))
    const unicode = labels.join('.')
    return { domain: unicode, error: toASCII(unicode) !== domain }
  } catch {
    return { domain, error: true }
  }
}

// RFC 3492 §5.
const base = 36
const tMin = 1
const tMax = 26
const skew = 38
const damp = 700
const initialBias = 72
const initialN = 128

/** RFC 3492 §6.2. Throws a RangeError for what is no Punycode. */
function decode(input) {
  const split = input.lastIndexOf('-')
  const output = split < 0 ? [] : Array.from(input.slice(0, split), (character) => character.charCodeAt(0))
  let [n, bias, i] = [initialN, initialBias, 0]
  for (let at = split < 0 ? 0 : split + 1; at < input.length;) {
    const before = i
    for (let [weight, k] = [1, base]; ; k += base) {
      const digit = digitOf(input.charCodeAt(at++))
      i += digit * weight
      const threshold = Math.min(Math.max(k - bias, tMin), tMax)
      if (digit < threshold) break
      weight *= base - threshold
    }
    bias = adapted(i - before, output.length + 1, before === 0)
    n += Math.floor(i / (output.length + 1))
    i %= output.length + 1
    output.splice(i++, 0, n)
  }
  return String.fromCodePoint(...output)
}

function digitOf(code) {
  if (code >= 0x61 && code <= 0x7a) return code - 0x61
  if (code >= 0x30 && code <= 0x39) return code - 0x30 + 26
  throw new RangeError('no digit of Punycode')
}

/** RFC 3492 §6.1. */
function adapted(change, length, isFirst) {
  let delta = Math.floor(change / (isFirst ? damp : 2))
  delta += Math.floor(delta / length)
  let k = 0
  for (; delta > ((base - tMin) * tMax) >> 1; k += base) delta = Math.floor(delta / (base - tMin))
  return k + Math.floor(((base - tMin + 1) * delta) / (delta + skew))
}
