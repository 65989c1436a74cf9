/** IP networks, as `10.0.0.0/8` or `2001:db8::/32`: whether an address lies in one. RFC 4632, RFC 4291 §2.3. */

export interface IpNetwork {
  /** 4 or 16 bytes, zero behind the prefix. */
  readonly bytes: Uint8Array
  readonly prefixBits: number
}

/** An address alone is a network of one. @returns undefined for what is neither. */
export function parseIpNetwork(text: string): IpNetwork | undefined {
  const slash = text.indexOf('/')
  const address = parseIpAddress(slash < 0 ? text : text.slice(0, slash))
  if (!address) return undefined
  const given = slash < 0 ? String(address.length * 8) : text.slice(slash + 1)
  if (!/^\d{1,3}$/.test(given) || Number(given) > address.length * 8) return undefined
  const prefixBits = Number(given)
  return { bytes: masked(address, prefixBits), prefixBits }
}

/** The bytes of an address; IPv4 within IPv6 (`::ffff:192.0.2.1`) is IPv4. RFC 4291 §2.2, §2.5.5.2. */
export function parseIpAddress(text: string): Uint8Array | undefined {
  if (!text.includes(':')) return parseIpv4(text)
  const [head, tail, more] = text.split('::')
  if (more !== undefined) return undefined
  const left = groups(head!)
  const right = tail === undefined ? [] : groups(tail)
  if (!left || !right) return undefined
  const missing = 16 - left.length - right.length
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined
  const bytes = Uint8Array.from([...left, ...Array.from({ length: missing }, () => 0), ...right])
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  return mapped ? bytes.slice(12) : bytes
}

export function networksHold(networks: readonly IpNetwork[], address: string): boolean {
  if (networks.length === 0) return false
  const bytes = parseIpAddress(address.includes('%') ? address.slice(0, address.indexOf('%')) : address)
  if (!bytes) return false
  return networks.some(({ bytes: prefix, prefixBits }) => {
    if (prefix.length !== bytes.length) return false
    const whole = prefixBits >> 3
    for (let i = 0; i < whole; i++) if (prefix[i] !== bytes[i]) return false
    const rest = prefixBits & 7
    return rest === 0 || (prefix[whole]! ^ bytes[whole]!) >> (8 - rest) === 0
  })
}

/** Without a pattern: a connection asks for its address at every message. */
function parseIpv4(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(4)
  let count = 0
  let value = 0
  let digits = 0
  for (let at = 0; at <= text.length; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit >= 0 && digit <= 9) {
      value = value * 10 + digit
      if (++digits > 3 || value > 255) return undefined
      continue
    }
    const ends = at === text.length ? count === 3 : count < 3 && text[at] === '.'
    if (digits === 0 || !ends) return undefined
    bytes[count++] = value
    value = 0
    digits = 0
  }
  return bytes
}

function groups(text: string): number[] | undefined {
  if (text === '') return []
  const out: number[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    const ipv4 = i === parts.length - 1 && part.includes('.') ? parseIpv4(part) : undefined
    if (ipv4) out.push(...ipv4)
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) out.push(Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 255)
    else return undefined
  }
  return out.length > 16 ? undefined : out
}

function masked(bytes: Uint8Array, prefixBits: number): Uint8Array {
  return bytes.map((byte, i) => {
    const bits = Math.min(8, Math.max(0, prefixBits - i * 8))
    return byte & (0xff00 >> bits)
  })
}
