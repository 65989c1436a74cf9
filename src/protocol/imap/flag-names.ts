/** What flags and keywords a mailbox has, as SELECT tells it and news of a keyword. RFC 3501 §7.2.6, §7.1. */
import type { ImapSelected } from './backend.ts'
import type { Out } from './out.ts'

const namesOf = (selected: ImapSelected): string[] => selected.flagNames().filter((flag) => flag !== undefined)

export function tellFlags(out: Out, selected: ImapSelected): void {
  out.text(`* FLAGS (${namesOf(selected).join(' ')})\r\n`)
}

/** Those that can be kept; `\*` where a keyword can still be made. */
export function tellPermanentFlags(out: Out, selected: ImapSelected): void {
  const flags = selected.readOnly ? [] : namesOf(selected)
  if (!selected.readOnly && selected.keywordsOpen()) flags.push('\\*')
  out.untaggedOk(`PERMANENTFLAGS (${flags.join(' ')})`, selected.readOnly ? 'Read-only' : 'Limited')
}
