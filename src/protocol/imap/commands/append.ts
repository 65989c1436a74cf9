/** APPEND, of one message or several: literals stream to the backend's sink. RFC 3501 §6.3.11, RFC 3502, RFC 4315 §3. */
import { parseInternalDate } from '../../../mail/internal-date.ts'
import type { InternalDate } from '../../../mail/internal-date.ts'
import { utf8 } from '../../../base/bytes.ts'
import type { ContentSink } from '../../../mail/content.ts'
import { ImapRefusal } from '../backend.ts'
import type { AppendContent, AppendMessage } from '../backend.ts'
import { command, signedIn } from '../command.ts'
import type { Conversation, LiteralSink } from '../command.ts'
import { appendMessagesMax } from '../limits.ts'
import type { Line } from '../wire/line.ts'
import { formatNumberSet } from '../wire/sequence-set.ts'

export const append = command({
  name: 'APPEND',
  states: signedIn,
  tellsExpunge: 'always',
  literalSink: (conversation) => new AppendSink(conversation),
  grammar(line) {
    line.space()
    line.mailbox()
    throw line.fault('a literal', 'append')
  },
  run() {},
})

class AppendSink implements LiteralSink {
  readonly #conversation: Conversation
  readonly #messages: AppendMessage[] = []
  #name = ''
  #flags: string[] = []
  #internalDate: InternalDate | undefined
  #sink: ContentSink<AppendContent> | undefined
  #sizeBytes = 0

  constructor(conversation: Conversation) {
    this.#conversation = conversation
  }

  async literal(line: Line, sizeBytes: number): Promise<void> {
    line.space()
    if (this.#messages.length === 0) {
      this.#name = line.mailbox()
      line.space()
    } else if (this.#messages.length >= appendMessagesMax) throw new ImapRefusal('LIMIT', 'Too many messages at once')
    this.#options(line)
    const { account } = this.#conversation
    if (sizeBytes > account.appendLimitBytes) throw new ImapRefusal('TOOBIG', 'Message exceeds the size limit')
    // RFC 3502 §6.3.11: no bytes are the client's way to take it all back; alone they are no message.
    if (sizeBytes === 0) throw new ImapRefusal('CANNOT', 'A message has at least one byte')
    this.#sizeBytes += sizeBytes
    await account.checkAppend(this.#name, this.#sizeBytes)
    this.#sink = account.appendSink()
  }

  #options(line: Line): void {
    this.#flags = []
    this.#internalDate = undefined
    if (line.atList) {
      this.#flags = line.flagList()
      line.space()
    }
    if (line.peek() === 0x22) {
      const date = parseInternalDate(utf8(line.stringBytes()))
      if (!date) throw line.fault('a date-time', 'date-time')
      this.#internalDate = date
      line.space()
    }
    if (line.peek() !== 0x7b) throw line.fault('a literal', 'append-data')
  }

  write(bytes: Uint8Array): boolean {
    return this.#sink!.write(bytes)
  }

  drained(): Promise<void> {
    return this.#sink!.drained()
  }

  async end(): Promise<void> {
    const content = await this.#sink!.finish()
    this.#sink = undefined
    this.#messages.push({ content, flags: this.#flags, internalDate: this.#internalDate })
  }

  async finish(line: Line): Promise<void> {
    line.finish()
    const { uidValidity, uids } = await this.#conversation.account.append(this.#name, this.#messages)
    this.#conversation.completed(`APPENDUID ${uidValidity} ${formatNumberSet(uids)}`)
  }

  abort(): void {
    this.#sink?.abort()
    this.#sink = undefined
  }
}
