/** Search filters with places for an address. RFC 4515. */

/** `{address}`: user@domain; `{user}` and `{domain}`: its parts. */
const places = /\{(address|user|domain)\}/g

/** RFC 4515 §3: special characters and NUL are escaped as two hex digits, or an address could change the filter (LDAP injection). */
export function escapeFilterValue(text: string): string {
  return text.replace(/[\\*()\0]/g, (one) => `\\${one.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** @param address canonical, or a name without a domain: `{domain}` is then empty. */
export function fillFilter(template: string, address: string): string {
  const at = address.lastIndexOf('@')
  const values = {
    address,
    user: at < 0 ? address : address.slice(0, at),
    domain: at < 0 ? '' : address.slice(at + 1),
  }
  return template.replace(places, (_, place: keyof typeof values) => escapeFilterValue(values[place]))
}

/** A filter for entries that have the address in one of the attributes. */
export function addressFilter(attributes: readonly string[]): string {
  const each = attributes.map((attribute) => `(${attribute}={address})`)
  return each.length === 1 ? each[0]! : `(|${each.join('')})`
}

/**
 * What is wrong with a configured filter, as the end of a sentence; undefined if no fault is found. The LDAP server may still reject it.
 */
export function filterFault(template: string, needsPlace: boolean): string | undefined {
  let depth = 0
  for (let at = 0; at < template.length; at++) {
    if (template[at] === '(') depth++
    else if (template[at] === ')') depth--
    else if (depth === 0) return 'must stand in parentheses'
    if (depth === 0 && at < template.length - 1)
      return template[at + 1] === ')' ? 'has a parenthesis too many' : 'must be one filter: join several as (&(…)(…))'
  }
  if (depth > 0 || template === '') return 'lacks a closing parenthesis'
  const unknown = /\{([^{}]*)\}/.exec(template.replace(places, ''))
  if (unknown) return `has an unknown place {${unknown[1]}}`
  if (needsPlace && template.search(places) < 0) return 'does not depend on the address: it needs {address} or {user}'
  return undefined
}
