/** What `pennypost/mail` makes of messages, as values that can be compared: run on Node and in a browser. */
import {
  composeMessage,
  decodeFlowed,
  filesWithTnef,
  inspectMessage,
  parseMailbox,
  readMessage,
  readReport,
  readStream,
  splitUuencoded,
} from '../../src/library/mail/index.ts'
import type { ReadMessage } from '../../src/library/mail/index.ts'

/** Adler-32: contents are compared without being carried along. */
function sum(bytes: Uint8Array): string {
  let [a, b] = [1, 0]
  for (const byte of bytes) {
    a = (a + byte) % 65_521
    b = (b + a) % 65_521
  }
  return `${bytes.length}:${b * 65_536 + a}`
}

function valuesOf(message: ReadMessage): Record<string, unknown> {
  const report = readReport(message)
  return {
    fields: message.fields,
    from: message.people('from'),
    to: message.people('to'),
    subject: message.subject,
    date: message.date,
    messageId: message.messageId,
    references: message.references,
    text: message.plainText,
    split: splitUuencoded(message.plainText ?? '').text,
    flowed: decodeFlowed(message.plainText ?? '', true),
    html: message.html,
    preview: message.preview,
    files: filesWithTnef(message).map((file) => [
      file.name,
      file.type,
      file.contentId,
      file.inline,
      sum(file.content()),
    ]),
    defects: [...inspectMessage(message.bytes, message.root).counts],
    report: report === undefined ? undefined : [report.kind, report.humanText, report.original?.message.subject],
  }
}

/** Of each message its values, those of what is composed of it, and what came of it in a stream. */
export async function sampleFacts(messages: readonly Uint8Array[]): Promise<string[]> {
  const facts: string[] = []
  for (const [index, bytes] of messages.entries()) {
    const message = readMessage(bytes)
    let made = 0
    const unique = (): string => `unique${String((made += 1)).padStart(6, '0')}`
    const composed = await composeMessage(
      {
        from: { name: message.people('from')[0]?.name ?? '', address: 'a@bücher.example' },
        subject: message.subject,
        text: message.plainText,
        html: message.html,
        attachments: message.files.map((file) => ({ content: file.content(), name: file.name })),
      },
      { nowMs: index * 1_000, hostname: 'h.example', unique },
    ).bytes()
    const stream: string[] = []
    for await (const event of readStream([bytes.subarray(0, 100), bytes.subarray(100)]))
      stream.push(event.kind === 'body' ? sum(event.bytes) : event.kind)
    facts.push(
      JSON.stringify({ ...valuesOf(message), composed: sum(composed), again: valuesOf(readMessage(composed)), stream }),
    )
  }
  facts.push(
    JSON.stringify(['a@bücher.example', 'ä@[IPv6:::1]', 'a@xn--bcher-kva.example'].map((one) => parseMailbox(one))),
  )
  return facts
}
