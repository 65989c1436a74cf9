/** Runs a script over the bytes of a message, with a host of a few functions. RFC 5228. */
import type { Edit } from '../../mail/edit.ts'
import { parseMailbox, type Mailbox } from '../../mail/address.ts'
import { parseHeader } from '../../mail/header.ts'
import { parseStructure } from '../../mail/mime/structure.ts'
import type { Part } from '../../mail/mime/part.ts'
import {
  bodyTexts,
  runWithHost,
  type Answer,
  type DuplicateQuestion,
  type Question,
  type RecordedAnswer,
  type RunResult,
  type SieveEnvelope,
  type SieveLimits,
  type SieveScript,
} from '../../sieve/index.ts'

type MaybePromise<Value> = Value | Promise<Value>

/** What a script may ask. What is left out is answered as if there were none. */
export interface SieveHost {
  /** Whether mail can be filed there. RFC 5490 §3.1. */
  mailboxExists?(mailbox: string): MaybePromise<boolean>
  /** Whether a mailbox has this id, and mail can be filed there. RFC 9042 §6. */
  mailboxIdExists?(mailboxId: string): MaybePromise<boolean>
  /** Whether the mailbox, or without one any, has this attribute: `\Archive`. RFC 8579 §3. */
  specialUseExists?(use: string, mailbox: string | undefined): MaybePromise<boolean>
  /** Whether this id was seen within its time. What is to be remembered is in the result. RFC 7352 §3. */
  isDuplicate?(question: DuplicateQuestion): MaybePromise<boolean>
  /** An item of the environment, in lower case: `location`, `remote-ip`. RFC 5183 §4.1. */
  environment?(name: string): MaybePromise<string | undefined>
  /** How likely the message is spam, from 0 to 1. RFC 5235 §3.2. */
  spam?(): MaybePromise<number | undefined>
  /** From 0, not looked at, to 5, infected. RFC 5235 §3.3. */
  virus?(): MaybePromise<number | undefined>
  /** A script to include. RFC 6609 §3.2. */
  script?(name: string, location: 'personal' | 'global'): MaybePromise<SieveScript | undefined>
}

export interface RunSieveOptions {
  /** MAIL FROM: an address, or the empty string of a bounce. Not given: it is not known. */
  readonly from?: string
  /** RCPT TO. */
  readonly to?: string
  readonly host?: SieveHost
  /** The time, and the offset of the zone in minutes. By default the machine's, in UTC. */
  readonly now?: { readonly epochMs: number; readonly offsetMinutes: number }
  /** Records each step with its reason. */
  readonly explain?: boolean
  readonly limits?: Partial<SieveLimits>
}

export type SieveRun = RunResult & { readonly answers: readonly RecordedAnswer[] }

/**
 * Runs a script over a message. Never rejects for what the script or the message holds; what the host throws is passed on.
 * @param message its bytes; a string is encoded as UTF-8.
 */
export async function runSieve(
  script: SieveScript,
  message: Uint8Array | string,
  options: RunSieveOptions = {},
): Promise<SieveRun> {
  const { from, to, host = {}, explain = false, limits } = options
  const bytes = typeof message === 'string' ? new TextEncoder().encode(message) : message
  const envelope: SieveEnvelope = {
    ...(from === undefined ? {} : { from: from === '' ? null : mailboxOf('from', from) }),
    ...(to === undefined ? {} : { to: mailboxOf('to', to) }),
  }
  let root: Part | undefined
  const input = {
    message: { header: parseHeader(bytes), sizeBytes: bytes.length },
    envelope,
    explain,
    ...(limits === undefined ? {} : { limits }),
  }
  return runWithHost(script, input, (question) => {
    if (question.kind === 'body') return bodyTexts(bytes, (root ??= parseStructure(bytes)), question)
    return question.kind === 'now' ? nowOf(options) : answerOf(host, question)
  })
}

async function nowOf({ now }: RunSieveOptions): Promise<Answer> {
  if (now !== undefined) return now
  const { realClock } = await import('../../platform/real/clock.ts')
  return { epochMs: realClock.now(), offsetMinutes: 0 }
}

function answerOf(host: SieveHost, question: Exclude<Question, { kind: 'body' | 'now' }>): Answer | Promise<Answer> {
  switch (question.kind) {
    case 'mailbox':
      return host.mailboxExists?.(question.mailbox) ?? false
    case 'mailboxId':
      return host.mailboxIdExists?.(question.mailboxId) ?? false
    case 'specialUse':
      return host.specialUseExists?.(question.use, question.mailbox) ?? false
    case 'duplicate':
      return host.isDuplicate?.(question) ?? false
    case 'environment':
      return host.environment?.(question.name)
    case 'spam':
      return host.spam?.()
    case 'virus':
      return host.virus?.()
    case 'script':
      return host.script?.(question.name, question.location)
  }
}

function mailboxOf(option: string, text: string): Mailbox {
  const mailbox = parseMailbox(text)
  if (mailbox === undefined) throw new TypeError(`runSieve: ${option} must be an address, not ${JSON.stringify(text)}`)
  return mailbox
}

/** The message with the changes that an action of `editheader` asks for. RFC 5293 §7. */
export function withEdits(message: Uint8Array, edits: readonly Edit[]): Uint8Array {
  const pieces: Uint8Array[] = []
  let at = 0
  for (const { start, end, text = '' } of edits) {
    pieces.push(message.subarray(at, start), Buffer.from(text, 'latin1'))
    at = end
  }
  pieces.push(message.subarray(at))
  return Buffer.concat(pieces)
}
