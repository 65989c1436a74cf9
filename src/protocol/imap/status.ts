/** The items of STATUS, which LIST RETURN (STATUS …) names as well. RFC 3501 §6.3.10, RFC 8438, RFC 7889, RFC 5819. */
import type { ImapMailboxStatus } from './backend.ts'
import type { Conversation } from './command.ts'
import { enableCondstore } from './condstore.ts'
import { speaksRev2 } from './rev2.ts'
import { encodeMailbox } from './wire/encode.ts'
import type { Line } from './wire/line.ts'

const items = {
  MESSAGES: (status: ImapMailboxStatus) => status.messages,
  RECENT: (status) => status.recent,
  UIDNEXT: (status) => status.uidNext,
  UIDVALIDITY: (status) => status.uidValidity,
  UNSEEN: (status) => status.unseen,
  DELETED: (status) => status.deleted,
  HIGHESTMODSEQ: (status) => status.highestModSeq,
  SIZE: (status) => status.sizeBytes,
  APPENDLIMIT: (_status, limitBytes) => limitBytes,
} as const satisfies Record<string, (status: ImapMailboxStatus, appendLimitBytes: number) => number>

export type StatusItem = keyof typeof items

/** Twice each of them is more than any client asks. */
const itemsMax = 16

export function statusItems(line: Line): StatusItem[] {
  return line.list(
    () => {
      const at = line.at
      const name = line.word()
      if (Object.hasOwn(items, name)) return name as StatusItem
      line.at = at
      throw line.fault('a status item', 'status-att')
    },
    itemsMax,
    'status-att',
  )
}

export async function tellStatus(conversation: Conversation, name: string, wanted: readonly StatusItem[]) {
  const { account, out } = conversation
  if (wanted.includes('HIGHESTMODSEQ')) enableCondstore(conversation)
  const status = await account.status(name, { recent: wanted.includes('RECENT') })
  const values = wanted.map((item) => `${item} ${items[item](status, account.appendLimitBytes)}`)
  out.text(`* STATUS ${encodeMailbox(name, speaksRev2(conversation))} (${values.join(' ')})\r\n`)
}
