/** Composing for other programs: options are checked; clock and random text are provided. */
import { checkOptions } from '../../base/option-check.ts'
import { composeMessage as compose, type ComposedMessage, type MessageDraft } from '../../mail/compose/message.ts'
import { mailboxesOfInput } from '../../mail/compose/fields.ts'
import { realClock } from '../../platform/real/clock.ts'
import { composeOptions, draftOptions, draftOtherNames, type ComposeOptions } from './draft-options.ts'

/**
 * Composes a message from texts, files and addresses. The MIME structure follows from them.
 * Throws a TypeError for an option that is unknown or of a wrong type; a ComposeFault for a draft that cannot be composed.
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

/** A missing From is reported later, by the composer. */
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
