/** The check `content`, the operator's rules: patterns for header fields, and for the beginning of the body. */
import { latin1 } from '../base/bytes.ts'
import type { Live } from '../base/live.ts'
import type { Log } from '../base/log.ts'
import { decodeEncodedWords } from '../mail/mime/encoded-word.ts'
import type { Header, HeaderField } from '../mail/header.ts'
import type { Check, CheckedMessage, CheckSession, Verdict } from './check.ts'
import { isUnauthenticated } from './clients.ts'
import type { PatternTest } from './pattern.ts'

export type ContentAction = 'reject' | 'discard' | 'hold' | 'junk' | 'redirect' | 'bcc' | 'prepend' | 'strip' | 'warn'

export interface ContentRule {
  /** For the log, the trace and the ledger. */
  readonly name: string
  /** A field as one line `Name: value`, or the body's bytes with a line feed at the end of each line. */
  readonly where: 'header' | 'body'
  readonly pattern: PatternTest
  readonly action: ContentAction
  /** The text of a refusal, the address of a copy or redirect, or the field to prepend. */
  readonly text: string
  /** For messages of unauthenticated clients only, or for all. */
  readonly of: 'unauthenticated' | 'all'
}

/** The combined result of all rules. */
export interface ContentVerdict {
  readonly reject?: { readonly rule: string; readonly words: string }
  /** The rule's name. */
  readonly discard?: string
  readonly hold: boolean
  readonly junk: boolean
  /** The only recipient from now on. */
  readonly redirect?: string
  readonly copies: readonly string[]
  /** Fields, as `Name: value`. */
  readonly prepend: readonly string[]
  readonly strip: readonly HeaderField[]
  /** Rules that matched, in order. */
  readonly fitted: readonly string[]
}

/** Bytes of the body that are checked: spam shows at its beginning, and each byte costs matching time. */
export const checkedBodyBytesMax = 64 * 1024
/** Longer headers are refused if there are header rules: they may be meant to hide a field. */
export const checkedHeaderBytesMax = 128 * 1024
/** Lines have 998 characters at most (RFC 5322 §2.1.1). Longer ones are cut before matching. */
const lineLengthMax = 1000

type Draft = { -readonly [K in keyof ContentVerdict]: ContentVerdict[K] } & {
  copies: string[]
  prepend: string[]
  strip: HeaderField[]
  fitted: string[]
  rules: Set<ContentRule>
}

/** @param body read only if there are body rules. */
export async function checkContent(
  rules: readonly ContentRule[],
  header: Header,
  body: () => AsyncIterable<Uint8Array>,
): Promise<ContentVerdict> {
  const verdict: Draft = { hold: false, junk: false, copies: [], prepend: [], strip: [], fitted: [], rules: new Set() }
  const ofHeader = rules.filter(({ where }) => where === 'header')
  const ofBody = rules.filter(({ where }) => where === 'body')
  if (ofHeader.length > 0) checkHeader(verdict, ofHeader, header)
  if (ofBody.length > 0 && !verdict.reject) await checkBody(verdict, ofBody, body)
  return verdict
}

function checkHeader(verdict: Draft, rules: readonly ContentRule[], header: Header): void {
  const last = header.fields.at(-1)
  if (header.truncated || (last && last.end > checkedHeaderBytesMax))
    verdict.reject = { rule: 'header size', words: 'Its header is longer than this host looks through' }
  else for (const field of header.fields) checkField(verdict, rules, header, field)
}

/** The first matching rule counts for a field. */
function checkField(verdict: Draft, rules: readonly ContentRule[], header: Header, field: HeaderField): void {
  const raw = header.raw(field)
  const line = `${raw.slice(0, raw.indexOf(':'))}: ${header.value(field)}`.slice(0, lineLengthMax)
  // Also as readers see it.
  const read = line.includes('=?') ? decodeEncodedWords(line).slice(0, lineLengthMax) : line
  const rule = rules.find(({ pattern }) => pattern.test(line) || (read !== line && pattern.test(read)))
  if (rule) note(verdict, rule, field)
}

/** All matching rules count. */
async function checkBody(
  verdict: Draft,
  rules: readonly ContentRule[],
  body: () => AsyncIterable<Uint8Array>,
): Promise<void> {
  let read = ''
  for await (const piece of body()) {
    read += latin1(piece, 0, Math.min(piece.length, checkedBodyBytesMax - read.length))
    if (read.length === checkedBodyBytesMax) break
  }
  // `$` matches before CRLF and LF alike.
  const text = read.replace(/\r\n/g, '\n').replace(longLines, '$1')
  for (const rule of rules) if (rule.pattern.test(text)) note(verdict, rule, undefined)
}

const longLines = new RegExp(`([^\\n]{${lineLengthMax}})[^\\n]+`, 'g')

function note(verdict: Draft, rule: ContentRule, field: HeaderField | undefined): void {
  const { name, action, text } = rule
  // A rule counts once, however many fields match; only `strip` applies to each of them.
  if (verdict.rules.has(rule) && action !== 'strip') return
  verdict.rules.add(rule)
  if (!verdict.fitted.includes(name)) verdict.fitted.push(name)
  switch (action) {
    case 'reject':
      verdict.reject ??= { rule: name, words: text }
      break
    case 'discard':
      verdict.discard ??= name
      break
    case 'hold':
    case 'junk':
      verdict[action] = true
      break
    case 'redirect':
      verdict.redirect ??= text
      break
    case 'bcc':
      verdict.copies.push(text)
      break
    case 'prepend':
      verdict.prepend.push(text)
      break
    case 'strip':
      if (field) verdict.strip.push(field)
      break
    case 'warn':
      break
  }
}

export interface ContentTools {
  readonly rules: Live<readonly ContentRule[]>
  readonly log: Log
}

export function contentCheck({ rules, log }: ContentTools): Check {
  const check = async (asked: readonly ContentRule[], message: CheckedMessage): Promise<Verdict> => {
    const verdict = await checkContent(asked, await message.header(), () => message.body())
    const { reject, prepend, strip, ...note } = verdict
    if (note.fitted.length > 0) log.info('content rules matched', { id: message.id, rules: note.fitted.join(', ') })
    if (reject) return { kind: 'refuse', status: { code: 550, enhanced: '5.7.1', text: reject.words } }
    return { kind: 'note', ...note, headers: prepend, edits: strip.map(({ start, end }) => ({ start, end })) }
  }
  const session: CheckSession = {
    message(client, message) {
      const stranger = isUnauthenticated(client)
      const asked = rules.now.filter(({ of }) => of === 'all' || stranger)
      return asked.length === 0 ? undefined : check(asked, message)
    },
  }
  return { name: 'content', speaksFor: 'all', onFailure: 'fault', begin: () => session }
}
