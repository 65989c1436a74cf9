/** Invitations and other calendar texts that a message brings. RFC 5545, RFC 5546, RFC 6047 §2.4. */
import { parameterText } from '../mime/parameters.ts'
import { walkParts } from '../mime/part.ts'
import type { Part } from '../mime/part.ts'
import { nameOf, partText, typeOf } from './part-content.ts'
import type { ReadMessage } from './read-message.ts'

export interface CalendarPart {
  readonly part: Part
  /** Upper case: `REQUEST`, `REPLY`, `CANCEL` …; of the type, else of the text itself. undefined where neither says it. */
  readonly method: string | undefined
  /** The iCalendar text as it was sent, its lines still folded (RFC 5545 §3.1). */
  readonly text: string
}

/** The methods that stand beyond this are not looked for: METHOD is one of the first lines of a calendar. RFC 5545 §3.6. */
const methodWithin = 4_096

/**
 * The calendar texts of a message, in order, attached files (`.ics`) too. Often the same one is there twice, as alternative and as file.
 */
export function calendarsOf(message: ReadMessage): CalendarPart[] {
  const found: CalendarPart[] = []
  for (const part of walkParts(message.root)) {
    const type = typeOf(part)
    const isFile = type === 'application/octet-stream' && /\.ics$/i.test(nameOf(part) ?? '')
    if (type !== 'text/calendar' && type !== 'application/ics' && !isFile) continue
    const { text } = partText(message.bytes, part)
    const said = parameterText(part.contentType.parameters, 'method')
    const written = /(?:^|\n)METHOD[ \t]*:[ \t]*([A-Za-z-]+)/i.exec(text.slice(0, methodWithin))?.[1]
    found.push({ part, method: (said === undefined || said === '' ? written : said)?.toUpperCase(), text })
  }
  return found
}
