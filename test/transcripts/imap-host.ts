/** What the IMAP transcripts ask of their surroundings, for any ImapBackend. */
import { parseInternalDate } from '../../src/mail/internal-date.ts'
import type { ImapBackend } from '../../src/protocol/imap/backend.ts'
import { passwordMechanisms } from '../../src/protocol/sasl/mechanisms.ts'
import type { ImapOptions } from '../../src/protocol/imap/options.ts'
import { ImapSession } from '../../src/protocol/imap/session.ts'
import type { Authenticated, Authenticator } from '../../src/protocol/sasl/authenticator.ts'
import type { TranscriptHost } from './run.ts'
import { exampleMechanisms } from './sasl-examples.ts'

/** The user of the transcripts: the one of RFC 3501 §8. */
export const user = { name: 'mrc@example.org', password: 'secret' } as const

export interface ImapSurroundings {
  readonly backend: ImapBackend
  readonly authenticator: Authenticator
  readonly user: Authenticated
  readonly close?: () => void
}

/**
 * `! option NAME VALUE` sets a session option for the connections to come;
 * `! mechanisms examples`: those of the RFCs' examples;
 * `! login [N]` signs in on connection N; `! select NAME [N]` opens a mailbox there;
 * `! message MAILBOX (flags) "date-time"` appends the `!|` lines; `! mailbox NAME [\Use]` makes a mailbox.
 */
export function imapHost({ backend, authenticator, user: who, close }: ImapSurroundings): TranscriptHost {
  let options: ImapOptions = {
    backend,
    authenticator,
    mechanisms: passwordMechanisms,
    startTls: false,
    plaintextAuth: true,
    serverName: 'Pennypost',
    serverVersion: '1',
  }
  return {
    open: () => new ImapSession(options),
    close,
    async prepare(words, content) {
      const [verb, ...rest] = words.split(' ')
      if (verb === 'login') {
        const n = rest[0] ?? ''
        return `S${n}: * OK *\nC${n}: L LOGIN ${user.name} ${user.password}\nS${n}: L OK *`
      }
      if (verb === 'select')
        return `C${rest[1] ?? ''}: L SELECT ${rest[0]}\nS${rest[1] ?? ''}: ...\nS${rest[1] ?? ''}: L OK *`
      if (verb === 'option') {
        options = { ...options, [rest[0]!]: JSON.parse(rest[1]!) }
        return
      }
      if (verb === 'mechanisms') {
        options = { ...options, mechanisms: exampleMechanisms(who) }
        return
      }
      const account = await backend.open(who)
      if (verb === 'mailbox') await account.create(rest[0]!, rest[1])
      else if (verb === 'message') {
        const found = /^message (\S+) \(([^)]*)\)(?: "([^"]+)")?$/.exec(words)
        if (!found) throw new Error(`not a message line: ${words}`)
        const sink = account.appendSink()
        if (!sink.write(content)) await sink.drained()
        const flags = found[2] === '' ? [] : found[2]!.split(' ')
        const internalDate = found[3] === undefined ? undefined : parseInternalDate(found[3])
        if (found[3] !== undefined && !internalDate) throw new Error(`not a date-time: ${found[3]}`)
        await account.append(found[1]!, [{ content: await sink.finish(), flags, internalDate }])
      } else throw new Error(`unknown: ${words}`)
      account.close()
    },
  }
}
