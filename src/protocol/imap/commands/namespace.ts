/** NAMESPACE: where personal, other users' and shared mailboxes begin. RFC 2342. */
import { command, signedIn } from '../command.ts'
import { encodeString } from '../wire/encode.ts'
import { encodeModifiedUtf7 } from '../wire/mailbox-name.ts'

export const namespace = command({
  name: 'NAMESPACE',
  capability: 'NAMESPACE',
  states: signedIn,
  tellsExpunge: 'always',
  run({ account, out }) {
    const { personal, otherUsers, shared } = account.namespaces
    out.text(`* NAMESPACE ${format(personal)} ${format(otherUsers)} ${format(shared)}\r\n`)
  },
})

function format(spaces: readonly { prefix: string; delimiter: string }[]): string {
  if (spaces.length === 0) return 'NIL'
  const each = spaces.map(
    ({ prefix, delimiter }) => `(${encodeString(encodeModifiedUtf7(prefix))} ${encodeString(delimiter)})`,
  )
  return `(${each.join('')})`
}
