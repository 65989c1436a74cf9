/**
 * A message of our own to a local address, about a problem that a person should look at. It has the null reverse-path,
 * so that it is not answered. RFC 3834 §5.
 */
import { composeMessage } from '../mail/compose/message.ts'
import { parseMailbox } from '../mail/address.ts'
import { newArrivalId, type Arrival } from './arrival.ts'
import { arriveOperation, type TransferTools } from './file.ts'
import { bounceLine, type Trace } from './trace.ts'
import { decide } from './decide.ts'

export interface OwnMessage {
  readonly to: string
  readonly subject: string
  readonly text: string
  /** What the message is about, for the trace. */
  readonly about: string
}

/** @returns whether it has a recipient. */
export async function sendOwnMessage(
  tools: TransferTools & { readonly trace: Trace },
  { to, subject, text, about }: OwnMessage,
): Promise<boolean> {
  const { store, clock, random, options, trace } = tools
  const mailbox = parseMailbox(to)
  if (!mailbox) return false
  const nowMs = clock.now()
  const id = newArrivalId(clock, random)
  const composed = composeMessage(
    {
      from: `Mail system <postmaster@${mailbox.domain}>`,
      to,
      subject,
      fields: [['Auto-Submitted', 'auto-generated']],
      body: { kind: 'text', subtype: 'plain', text },
    },
    { nowMs, hostname: options.now.hostname, unique: () => id },
  )
  const bytes = await composed.bytes()
  const plans = await decide(tools, mailbox, { reversePath: null, sizeBytes: bytes.length, unanswered: true })
  if (plans.length === 0) return false
  const sink = store.sink()
  sink.write(bytes)
  const arrival: Arrival = {
    id,
    atMs: nowMs,
    reversePath: null,
    recipients: [{ mailbox, notify: ['never'] }],
    body: '8bitmime',
    smtpUtf8: composed.smtpUtf8,
  }
  const content = await sink.finish()
  await store.commit([arriveOperation(tools, arrival, content, undefined, { prefix: '' }, plans)])
  trace.note(bounceLine(id, about, to))
  return true
}
