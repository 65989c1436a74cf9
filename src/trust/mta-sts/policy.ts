/** MTA-STS records and policies as they are written, and which hosts a policy allows. RFC 8461 §3, §4.1. */

export interface StsPolicy {
  readonly mode: 'enforce' | 'testing' | 'none'
  /** Lower-case names or `*.name`. */
  readonly mx: readonly string[]
  readonly maxAgeS: number
}

/** RFC 8461 §3.2. */
export const maxAgeMaxS = 31_557_600
/** More patterns than a real policy has. */
const mxMax = 100
const domain = /^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*\.?$/i

/** The id of the one valid record among the TXT records of `_mta-sts`, else undefined. */
export function parseStsRecord(texts: readonly string[]): string | undefined {
  const candidates = texts.filter((text) => /^v=STSv1[ \t]*;/.test(text))
  if (candidates.length !== 1) return undefined
  let id: string | undefined
  const fields = candidates[0]!.split(';').map((field) => field.replace(/^[ \t]+|[ \t]+$/g, ''))
  if (fields.at(-1) === '') fields.pop()
  for (const field of fields.slice(1)) {
    const found = /^([A-Za-z0-9][A-Za-z0-9_.-]{0,31})=([\x21-\x3a\x3c\x3e-\x7e]+)$/.exec(field)
    if (!found) return undefined
    if (found[1] === 'id' && id === undefined) id = found[2]
  }
  return id !== undefined && /^[A-Za-z0-9]{1,32}$/.test(id) ? id : undefined
}

/** The policy, or what is wrong with it. Unknown fields are ignored; of repeated ones the first counts. */
export function parseStsPolicy(text: string): StsPolicy | string {
  const values = new Map<string, string>()
  const mx: string[] = []
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') continue
    const colon = line.indexOf(':')
    if (colon < 1) return 'a line that is no field'
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1).trim()
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/.test(name)) return 'a line that is no field'
    if (name === 'mx') {
      if (!domain.test(value)) return 'an mx that is no host'
      if (mx.length < mxMax) mx.push(value.toLowerCase().replace(/\.$/, ''))
    } else if (!values.has(name)) values.set(name, value)
  }
  if (values.get('version') !== 'STSv1') return 'not of version STSv1'
  const mode = values.get('mode')
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') return 'no mode that we know'
  const age = values.get('max_age') ?? ''
  if (!/^\d{1,10}$/.test(age)) return 'no max_age'
  if (mx.length === 0 && mode !== 'none') return 'no mx'
  return { mode, mx, maxAgeS: Math.min(Number(age), maxAgeMaxS) }
}

/** The policy as senders fetch it; `mx` lines only in modes that use them. */
export function formatStsPolicy({ mode, mx, maxAgeS }: StsPolicy): string {
  const hosts = mode === 'none' ? [] : mx.map((host) => `mx: ${host}`)
  return ['version: STSv1', `mode: ${mode}`, ...hosts, `max_age: ${maxAgeS}`, ''].join('\r\n')
}

export function formatStsRecord(id: string): string {
  return `v=STSv1; id=${id};`
}

/** A wildcard stands for exactly one label. RFC 8461 §4.1. */
export function allowsHost({ mx }: StsPolicy, host: string): boolean {
  const name = host.toLowerCase()
  const parent = name.slice(name.indexOf('.') + 1)
  return mx.some((pattern) =>
    pattern.startsWith('*.') ? name.includes('.') && parent === pattern.slice(2) : pattern === name,
  )
}
