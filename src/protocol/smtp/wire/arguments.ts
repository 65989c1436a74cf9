/** The arguments of MAIL and RCPT: paths and parameters. RFC 5321 §4.1.1.2, §4.1.1.3, §4.1.2. */
import { latin1 } from '../../../base/bytes.ts'
import { parseMailbox } from '../../../mail/address.ts'
import type { Mailbox, ReversePath } from '../../../mail/envelope.ts'

/** What the peer mis-spelled: answered 501. */
export class SyntaxFault extends Error {
  readonly rule: string
  readonly enhanced: string
  constructor(rule: string, enhanced = '5.5.4') {
    super(`Syntax: ${rule}`)
    this.name = 'SyntaxFault'
    this.rule = rule
    this.enhanced = enhanced
  }
}

/** RFC 5321 §4.5.3.1.3: 256 for a path; longer ones are met, and an address is at most 64 + 1 + 255. */
const pathBytesMax = 512
/** A command has no more parameters than there are extensions. */
const parametersMax = 32

export interface Parameter {
  /** Upper case. */
  readonly keyword: string
  readonly value: string | undefined
}

/**
 * The text between `<` and `>` and what follows; quotes may hold a `>`. Departs: RFC 5321 §4.1.2, because printers and scripts leave the
 * brackets out, and a word without any has one reading.
 */
function splitPath(argument: Uint8Array, verb: string): { inside: Uint8Array; rest: Uint8Array } {
  // Some clients write "FROM: <a@b>"; RFC 5321 §3.3 forbids the space, all servers accept it.
  let at = verb.length
  if (argument.length < at || latin1(argument, 0, at).toUpperCase() !== verb) throw new SyntaxFault(`${verb}<address>`)
  while (argument[at] === 0x20) at++
  if (argument[at] !== 0x3c) return bareWord(argument.subarray(at), verb)
  let quoted = false
  for (let end = at + 1; end < argument.length && end - at <= pathBytesMax; end++) {
    const byte = argument[end]!
    if (byte === 0x5c && quoted) end++
    else if (byte === 0x22) quoted = !quoted
    else if (byte === 0x3e && !quoted) {
      const rest = argument.subarray(end + 1)
      if (rest.length > 0 && rest[0] !== 0x20) throw new SyntaxFault('a space before parameters')
      return { inside: argument.subarray(at + 1, end), rest }
    }
  }
  throw new SyntaxFault(`${verb}<address>`)
}

function bareWord(text: Uint8Array, verb: string): { inside: Uint8Array; rest: Uint8Array } {
  const space = text.indexOf(0x20)
  const end = space < 0 ? text.length : space
  const inside = text.subarray(0, end)
  if (end === 0 || end > pathBytesMax || inside.some((byte) => byte === 0x3c || byte === 0x3e || byte === 0x22))
    throw new SyntaxFault(`${verb}<address>`)
  return { inside, rest: text.subarray(end) }
}

/** A source route is taken and ignored. RFC 5321 §4.1.2, appendix C. */
function withoutRoute(path: Uint8Array): Uint8Array {
  if (path[0] !== 0x40) return path
  const colon = path.indexOf(0x3a)
  return colon < 0 ? path : path.subarray(colon + 1)
}

const noParameters: readonly Parameter[] = []

function parseParameters(rest: Uint8Array): readonly Parameter[] {
  if (rest.length === 0) return noParameters
  const words = latin1(rest)
    .split(' ')
    .filter((word) => word !== '')
  if (words.length > parametersMax) throw new SyntaxFault('fewer parameters')
  return words.map((word) => {
    const match = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~\u0080-\u00ff]+))?$/.exec(word)
    if (!match) throw new SyntaxFault('keyword or keyword=value')
    return { keyword: match[1]!.toUpperCase(), value: match[2] }
  })
}

export interface MailArguments {
  readonly reversePath: ReversePath
  readonly parameters: readonly Parameter[]
}

export function parseMailArguments(argument: Uint8Array): MailArguments {
  const { inside, rest } = splitPath(argument, 'FROM:')
  const parameters = parseParameters(rest)
  if (inside.length === 0) return { reversePath: null, parameters }
  const mailbox = parseMailbox(withoutRoute(inside))
  if (!mailbox) throw new SyntaxFault('a sender address like user@example.org', '5.1.7')
  return { reversePath: mailbox, parameters }
}

export interface RcptArguments {
  readonly mailbox: Mailbox
  readonly parameters: readonly Parameter[]
}

export function parseRcptArguments(argument: Uint8Array): RcptArguments {
  const { inside, rest } = splitPath(argument, 'TO:')
  const parameters = parseParameters(rest)
  const path = withoutRoute(inside)
  // RFC 5321 §4.1.1.3: the only recipient that needs no domain.
  if (latin1(path).toLowerCase() === 'postmaster')
    return { mailbox: { localPart: 'postmaster', domain: '' }, parameters }
  const mailbox = parseMailbox(path)
  if (!mailbox) throw new SyntaxFault('a recipient address like user@example.org', '5.1.3')
  return { mailbox, parameters }
}

/** xtext: `+` and two hex digits for what may not stand plain. RFC 3461 §4. */
export function decodeXtext(text: string): string | undefined {
  if (!/^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/.test(text)) return undefined
  return text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

export function encodeXtext(text: string): string {
  return text.replace(/[^!-*,-<>-~]/g, (char) => `+${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}
