/** A rule for what messages say, from what the configuration says of it. */
import { formatMailbox, parseMailbox } from '../mail/address.ts'
import type { ContentRule } from '../checks/content.ts'
import { parsePattern } from '../checks/pattern.ts'
import type { ValuesOf } from '../base/options/option.ts'
import type { contentRuleOptions } from '../checks/content-options.ts'

type Said = ValuesOf<typeof contentRuleOptions>

export interface CheckFault {
  readonly key: 'pattern' | 'action' | 'text'
  readonly text: string
  readonly hint?: string
}

/** @param at counted from 0. */
export function checkOf(said: Said, at: number): { readonly rule: ContentRule } | CheckFault {
  const { where, pattern, action, of } = said
  if (pattern === undefined)
    return { key: 'pattern', text: 'A check needs "pattern"', hint: 'Write pattern = "/^Subject: .*lottery/i".' }
  if (action === undefined)
    return {
      key: 'action',
      text: 'A check needs "action"',
      hint: 'Write action = "reject", or "warn" to try it first.',
    }
  const read = parsePattern(pattern)
  if (read.kind === 'fault') return { key: 'pattern', text: read.problem }
  if (action === 'strip' && where === 'body')
    return { key: 'action', text: 'Only header fields can be removed', hint: 'Write where = "header".' }
  const text = textFor(said)
  if (typeof text !== 'string') return text
  return { rule: { name: said.name ?? `check ${at + 1}`, where, pattern: read.expression, action, text, of } }
}

function textFor({ action, text }: Said): string | CheckFault {
  if (action === 'redirect' || action === 'bcc') {
    const mailbox = parseMailbox(text ?? '')
    if (mailbox) return formatMailbox(mailbox)
    return {
      key: 'text',
      text: `The action "${action}" needs an address`,
      hint: 'Write text = "postmaster@example.org".',
    }
  }
  if (action === 'prepend') {
    if (/^[!-9;-~]+: *[\x20-\x7e]*$/.test(text ?? '')) return text!
    return { key: 'text', text: 'The action "prepend" needs a field', hint: 'Write text = "X-Checked: yes".' }
  }
  if (action === 'reject') {
    if (text === undefined) return 'Refused by a rule of this host'
    if (/^[\x20-\x7e]{1,200}$/.test(text)) return text
    return { key: 'text', text: 'The text of a rejection must be one line of ASCII, at most 200 characters' }
  }
  return text ?? ''
}
