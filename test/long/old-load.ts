/** Letters that can be made again from their number, and connections that bring many of them. */
import { createHash } from 'node:crypto'
import { silentLog } from '../../src/base/log.ts'
import { Wheel } from '../../src/base/wheel.ts'
import { realClock } from '../../src/platform/real/clock.ts'
import { realNetwork } from '../../src/platform/real/network.ts'
import { drive } from '../../src/protocol/drive.ts'
import { ImapClient } from '../../src/protocol/imap/client.ts'
import { SmtpClient } from '../../src/protocol/smtp/client.ts'

const tools = { clock: realClock, wheel: new Wheel(realClock), log: silentLog }

export interface Letter {
  readonly n: number
  readonly recipients: readonly string[]
}

/** Most are small, some are cut into pieces on the way, a few lie in files of their own. */
export function letterBytes(n: number): Buffer {
  const line = `.${n} ${'Grüße ohne Ende '.repeat(4)}`
  const lines = n % 2500 === 1 ? 40_000 : n % 250 === 2 ? 2000 : 1 + (n % 30)
  return Buffer.from(
    `From: eve@there.test\r\nMessage-ID: <${n}@load.test>\r\nSubject: letter ${n}\r\nMIME-Version: 1.0\r\n` +
      `Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n${`${line}\r\n`.repeat(lines)}`,
  )
}

export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/**
 * Sends letters by so many connections at once until there are none, or until the server is gone. What was begun and not answered was
 * acknowledged to nobody: it may be there or not.
 */
export async function sendAll(
  port: number,
  connections: number,
  letters: Iterator<Letter>,
  acknowledged: (letter: Letter) => void,
): Promise<{ readonly unanswered: readonly Letter[] }> {
  const unanswered: Letter[] = []
  const one = async (): Promise<void> => {
    const hostname = 'client.test'
    const place = { address: '127.0.0.1', port, connectTimeoutMs: 5000, hostname }
    const client = await SmtpClient.connect({ ...tools, ...place, network: realNetwork }).catch(() => undefined)
    if (!client) return
    for (let next = letters.next(); !next.done; next = letters.next()) {
      const { n, recipients } = next.value
      const bytes = letterBytes(n)
      try {
        const sent = await client.send(
          { reversePath: 'eve@there.test', recipients, body: '8bitmime', smtpUtf8: false },
          { sizeBytes: bytes.length, read: (from, to) => bytes.subarray(from, to) },
        )
        const taken = recipients.filter((_, i) => sent.recipients[i]!.code === 250)
        if (taken.length > 0) acknowledged({ n, recipients: taken })
      } catch {
        unanswered.push(next.value)
        return
      }
    }
    await client.quit().catch(() => {})
  }
  await Promise.all(Array.from({ length: connections }, one))
  return { unanswered }
}

export async function imapClient(port: number, user: string, password: string): Promise<ImapClient> {
  const connection = await realNetwork.connect({ address: '127.0.0.1', port, timeoutMs: 5000 })
  const client = new ImapClient({ timeoutMs: 60_000 })
  drive(connection, client, tools)
  await client.greeting
  await client.login(user, password)
  return client
}

export interface Found {
  readonly uid: number
  readonly flags: readonly string[]
}

/** Each letter of a mailbox by its number. Throws where one is there twice, or its bytes are not those that were sent. */
export async function lettersIn(client: ImapClient, mailbox: string): Promise<Map<number, Found>> {
  const { exists } = await client.select(mailbox, { readOnly: true })
  const found = new Map<number, Found>()
  const step = 200
  for (let first = 1; first <= exists; first += step) {
    const range = `${first}:${Math.min(exists, first + step - 1)}`
    for (const { items } of await client.fetch(range, '(UID FLAGS BODY.PEEK[])')) {
      const bytes = Buffer.from(items.get('BODY[]') as Uint8Array)
      const n = Number(/^Message-ID: <(\d+)@load\.test>\r$/m.exec(bytes.toString('latin1', 0, 4000))?.[1])
      const sent = letterBytes(n)
      if (digestOf(bytes.subarray(-sent.length)) !== digestOf(sent)) throw new Error(`letter ${n} has other bytes`)
      if (found.has(n)) throw new Error(`letter ${n} is in ${mailbox} twice`)
      found.set(n, { uid: Number(items.get('UID')), flags: (items.get('FLAGS') as string[]).map(String) })
    }
  }
  return found
}
