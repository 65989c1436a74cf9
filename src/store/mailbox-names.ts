/** Names of mailboxes, and how many an account may have: the same in every engine. */
import { canonicalMailboxName } from '../mail/mailbox-name.ts'
import { StoreRefusal } from './store.ts'

/** A name's length in UTF-8 bytes, its depth, and how many an account may have: lists and paths stay bounded. */
export const mailboxNameBytesMax = 1000
export const mailboxDepthMax = 32
export const mailboxesMax = 10_000

/** Names are NFC UTF-8, `/` between levels, no level empty, no controls; INBOX in capitals. docs/architecture.md §8. */
export function checkName(name: string): string {
  const normal = canonicalMailboxName(name)
  const levels = normal.split('/')
  if (levels.some((level) => level === '') || /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(normal)) {
    throw new StoreRefusal('nameBad', 'A mailbox name has no empty level and no control characters')
  }
  if (Buffer.byteLength(normal) > mailboxNameBytesMax || levels.length > mailboxDepthMax) {
    throw new StoreRefusal(
      'nameBad',
      `A mailbox name has at most ${mailboxNameBytesMax} bytes and ${mailboxDepthMax} levels`,
    )
  }
  return normal
}
