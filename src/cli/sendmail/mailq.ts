/** `mailq` (sendmail -bp): the queue in the columns that people and monitoring scripts know; `sendmail -q`: try everything now. */
import type { Config } from '../../config/config.ts'
import type { Terminal } from '../../platform/real/terminal.ts'
import { pages, visible } from '../context.ts'

/** `Sun Nov 22 06:10:10`, in local time as mailq has always shown it. */
function time(epochMs: number): string {
  const [, day, month, date, clock] = /^(\w+) (\w+) (\d+) \d+ ([\d:]+)/.exec(new Date(epochMs).toString())!
  return `${day} ${month} ${date!.padStart(2)} ${clock}`
}

export async function printQueue(config: Config, terminal: Terminal): Promise<number> {
  const { openOwner } = await import('../../admin/owner.ts')
  const owner = await openOwner(config.data)
  try {
    let bytes = 0
    let requests = 0
    let last: string | undefined
    for await (const rows of pages(owner, 'queueList', {})) {
      for (const row of rows) {
        if (row.arrivalId !== last) {
          if (last === undefined)
            terminal.out('-Queue ID-       --Size-- ----Arrival Time---- -Sender/Recipient-------\n')
          else terminal.out('\n')
          last = row.arrivalId
          requests++
          bytes += row.sizeBytes
          const mark = row.state === 'held' ? '!' : row.state === 'leased' ? '*' : ' '
          const sender = row.reversePath === '' ? 'MAILER-DAEMON' : row.reversePath
          terminal.out(
            `${(row.arrivalId + mark).padEnd(16)} ${String(row.sizeBytes).padStart(8)} ${time(row.acceptedAtMs)}  ${visible(sender)}\n`,
          )
          if (row.lastReply) terminal.out(`${`(${visible(row.lastReply)})`.padStart(77)}\n`)
        }
        terminal.out(`${' '.repeat(47)}${visible(row.address)}\n`)
      }
    }
    if (requests === 0) terminal.out('Mail queue is empty\n')
    else terminal.out(`\n-- ${Math.ceil(bytes / 1024)} Kbytes in ${requests} Request${requests === 1 ? '' : 's'}.\n`)
    return 0
  } finally {
    await owner.close()
  }
}

export async function flushQueue(config: Config): Promise<number> {
  const { openOwner } = await import('../../admin/owner.ts')
  const owner = await openOwner(config.data)
  try {
    // What is held stays held.
    for (let after: number | undefined = 0; after !== undefined;)
      after = (await owner.ask('queueActWhere', { act: 'retry', after })).next
    return 0
  } finally {
    await owner.close()
  }
}
