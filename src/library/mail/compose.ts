/** Composing for other programs: options are checked, and what a message needs of the world is there. */
import { checkOptions } from '../../base/option-check.ts'
import { composeMessage as compose, type ComposedMessage, type MessageDraft } from '../../mail/compose/message.ts'
import { mailboxesOfInput } from '../../mail/compose/fields.ts'
import { realClock } from '../../platform/real/clock.ts'
import { composeOptions, draftOptions, draftOtherNames, type ComposeOptions } from './draft-options.ts'

/**
 * A message from what its writer means: texts, files, addresses. The nesting of parts follows by itself.
 * Throws a TypeError for an option that there is not, or of a wrong kind; a ComposeFault for what cannot be composed.
 */
export function composeMessage(draft: MessageDraft, options: ComposeOptions = {}): ComposedMessage {
  checkOptions('composeMessage', draft, draftOptions, draftOtherNames)
  checkOptions('composeMessage', options, composeOptions)
  const { allowed, smtpUtf8, nowMs, offsetMinutes, hostname, unique } = options
  return compose(draft, {
    allowed,
    smtpUtf8,
    nowMs: nowMs ?? realClock.now(),
    offsetMinutes,
    hostname: hostname ?? domainOf(draft),
    unique: unique ? () => unique.call(options) : byChance,
  })
}

/** Without From there is no message: that is told by what composes it. */
function domainOf({ from }: MessageDraft): string {
  const [first] = from === undefined ? [] : mailboxesOfInput([from].flat())
  return first?.domain ?? 'localhost'
}

/** 128 bits. */
const chanceBytes = 16

function byChance(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(chanceBytes))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
