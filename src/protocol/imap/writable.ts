/** What EXAMINE forbids. RFC 3501 §6.3.2. */
import { ImapRefusal } from './backend.ts'
import type { ImapSelected } from './backend.ts'

export function requireWritable(selected: ImapSelected): void {
  if (selected.readOnly) throw new ImapRefusal('CANNOT', 'Mailbox is read-only')
}
