/** The options of the traditional sendmail command, as cron, PHP, mutt and git give them. sendmail(1), sendmail(8). */

import type { RecipientDsn } from '../../mail/envelope.ts'

export type SendmailMode = 'send' | 'smtp' | 'queue' | 'aliases' | 'flush'

export interface SendmailArguments {
  readonly mode: SendmailMode
  /** -f and -r. '' is the null reverse-path of `-f ''` and `-f '<>'`. */
  readonly sender: string | undefined
  /** -F: the name for a From that we add. */
  readonly fullName: string | undefined
  /** -i, -oi: a line with a dot alone is a line, not the end. */
  readonly ignoreDots: boolean
  /** -t: recipients are those of To, Cc and Bcc. */
  readonly fromHeader: boolean
  readonly recipients: readonly string[]
  readonly body: '7bit' | '8bitmime' | undefined
  /** -N: what the sender wishes to be told. RFC 3461. */
  readonly notify: RecipientDsn['notify']
  /** -R. */
  readonly ret: 'full' | 'hdrs' | undefined
  /** -V. */
  readonly envelopeId: string | undefined
  /** -C. */
  readonly config: string | undefined
  readonly verbose: boolean
}

/** What the command was called with wrongly: EX_USAGE. */
export class SendmailUsage extends Error {}

/** Options with a value, beside or behind their letter. */
const valued = new Set('BCFLNORVXfhopr'.split(''))
/** Options that mean nothing here, and that programs give all the same. */
const ignored = new Set('AGLOUXhmnosx'.split(''))

/** @param name what the command was called: `mailq` is -bp, `newaliases` is -bi. */
export function parseSendmailArguments(name: string, given: readonly string[]): SendmailArguments {
  let mode: SendmailMode = name === 'mailq' ? 'queue' : name === 'newaliases' ? 'aliases' : 'send'
  const found: Record<string, string> = {}
  const recipients: string[] = []
  let ignoreDots = false
  let fromHeader = false
  let verbose = false
  let at = 0
  for (; at < given.length; at++) {
    const word = given[at]!
    if (word === '--') {
      recipients.push(...given.slice(at + 1))
      break
    }
    if (!word.startsWith('-') || word === '-') {
      recipients.push(word)
      continue
    }
    let letter = word[1]!
    let value: string | undefined = word.slice(2)
    // -qTIME and -q alone both ask for the queue to be run; -bX and -oX have their value attached.
    if (letter === 'q') {
      mode = 'flush'
      continue
    }
    if (letter === 'b') {
      mode = modeOf(value)
      continue
    }
    if (letter === 'o') {
      if (value === 'i') ignoreDots = true
      else if (value === '' || value === 'A') at++
      continue
    }
    if (letter === 'A' || letter === 'm' || letter === 'n' || letter === 'G' || letter === 'U' || letter === 's')
      continue
    if (valued.has(letter)) {
      if (value === '') value = given[++at]
      if (value === undefined) throw new SendmailUsage(`option -${letter} needs a value`)
      if (letter === 'r') letter = 'f'
      found[letter] = value
      continue
    }
    // Letters without values may stand together: -ti, -vt.
    for (const one of word.slice(1)) {
      if (one === 't') fromHeader = true
      else if (one === 'i') ignoreDots = true
      else if (one === 'v') verbose = true
      else if (one === 'I') mode = 'aliases'
      else if (!ignored.has(one)) throw new SendmailUsage(`unknown option -${one}`)
    }
  }
  const sender = found['f']
  return {
    mode,
    sender: sender === '<>' ? '' : sender?.replace(/^<(.*)>$/, '$1'),
    fullName: found['F'],
    ignoreDots,
    fromHeader,
    recipients: recipients
      .flatMap((one) => one.split(','))
      .map((one) => one.trim())
      .filter((one) => one !== ''),
    body: bodyOf(found['B']),
    notify: notifyOf(found['N']),
    ret: retOf(found['R']),
    envelopeId: found['V'],
    config: found['C'],
    verbose,
  }
}

function modeOf(letter: string): SendmailMode {
  switch (letter) {
    case 'm':
    case '':
      return 'send'
    case 's':
      return 'smtp'
    case 'p':
      return 'queue'
    case 'i':
      return 'aliases'
    case 'd':
    case 'D':
    case 'l':
      throw new SendmailUsage('the daemon is "pennypost serve"')
    default:
      throw new SendmailUsage(`unknown mode -b${letter}`)
  }
}

function bodyOf(value: string | undefined): SendmailArguments['body'] {
  if (value === undefined) return undefined
  const body = value.toLowerCase()
  if (body !== '7bit' && body !== '8bitmime') throw new SendmailUsage('-B takes 7BIT or 8BITMIME')
  return body
}

function notifyOf(value: string | undefined): RecipientDsn['notify'] {
  const notify = value?.toLowerCase()
  if (notify === undefined) return undefined
  if (!/^(?:never|(?:success|failure|delay)(?:,(?:success|failure|delay))*)$/.test(notify))
    throw new SendmailUsage('-N takes never, or a list of success, failure and delay')
  return notify.split(',') as unknown as RecipientDsn['notify']
}

function retOf(value: string | undefined): SendmailArguments['ret'] {
  const ret = value?.toLowerCase()
  if (ret !== undefined && ret !== 'full' && ret !== 'hdrs') throw new SendmailUsage('-R takes full or hdrs')
  return ret
}
