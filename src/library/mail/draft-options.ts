/** The options of drafts, for `checkOptions`, and the names that they have in Nodemailer. */
import { checkOptions, oneOrMore, optionsOf, type OptionTable, type OtherNames } from '../../base/option-check.ts'
import type { Attachment, ComposeOptions as Needed, ListFields, MessageDraft } from '../../mail/compose/message.ts'

/** All are optional. */
export interface ComposeOptions extends Partial<Needed> {
  /** The time in Date, milliseconds since 1970. Default: now. */
  readonly nowMs?: number
  /** The right side of a generated Message-ID (RFC 5322 §3.6.4). Default: the domain of From. */
  readonly hostname?: string
  /** Returns unique text, 8 to 60 letters and digits, for ids and boundaries. Default: random. */
  unique?(): string
}

const person = optionsOf<{ name?: string; address: string }>({ name: 'string', address: 'string!' })
const group = optionsOf<{ group: string; members: unknown }>({ group: 'string!', members: 'list!' })

const addresses = oneOrMore((where, value) => {
  if (typeof value === 'string') return
  if (typeof value === 'object' && value !== null && 'group' in value) group(where, value)
  else person(where, value)
})

const attachment: OptionTable<Attachment> = {
  content: 'string|bytes|stream!',
  type: 'string',
  name: 'string',
  contentId: 'string',
  inline: 'boolean',
  description: 'string',
}

const attachmentOtherNames: OtherNames = {
  path: 'open the file and give its content, as content: createReadStream(path) or content: await readFile(path), with a name',
  href: 'fetch it and give its content, as content: (await fetch(href)).body, with a name',
  filename: 'write name',
  fileName: 'write name',
  contentType: 'write type',
  cid: 'write contentId, and inline: true where the HTML shows it',
  encoding: 'give the bytes themselves, as content: Buffer.from(text, encoding)',
  contentDisposition: 'write inline: true, or leave it out',
  contentTransferEncoding: 'leave it out: what the content needs is chosen',
  raw: 'give a tree of parts as body of the message',
  headers: 'give a tree of parts as body of the message',
}

const list: OptionTable<ListFields> = {
  id: 'string',
  help: 'string',
  unsubscribe: 'string|list',
  oneClick: 'boolean',
  subscribe: 'string',
  post: 'string|null',
  owner: 'string',
  archive: 'string',
}

/** Options of a `MessageDraft`. */
export const draftOptions: OptionTable<MessageDraft> = {
  from: addresses,
  sender: addresses,
  replyTo: addresses,
  to: addresses,
  cc: addresses,
  bcc: addresses,
  subject: 'string',
  messageId: 'string',
  inReplyTo: 'string|list',
  references: 'string|list',
  text: 'string',
  html: 'string',
  flowed: 'boolean',
  calendar: optionsOf<NonNullable<MessageDraft['calendar']>>(
    { method: 'string!', text: 'string!' },
    { content: 'write text' },
  ),
  attachments(where, value) {
    if (!Array.isArray(value)) throw new TypeError(`${where} must be an array`)
    value.forEach((one, at) => checkOptions(`${where}[${at}]`, one, attachment, attachmentOtherNames))
  },
  body: 'object',
  list: optionsOf(list),
  fields: 'list',
}

export const draftOtherNames: OtherNames = {
  headers: "write fields: [['X-Name', 'value']]",
  date: 'write nowMs in the options of composeMessage',
  icalEvent: "write calendar: { method: 'request', text }",
  alternatives: 'give a tree of parts as body',
  amp: 'give a tree of parts as body',
  watchHtml: 'give a tree of parts as body',
  priority: "write fields: [['X-Priority', '1']]",
  encoding: 'leave it out: what the text needs is chosen',
  textEncoding: 'leave it out: what the text needs is chosen',
  envelope: 'write it in the third argument of sendMail',
  dsn: 'write notify, ret and envelopeId in the third argument of sendMail',
  dkim: 'write it in the third argument of sendMail, or in the options of the pool',
  raw: 'a written message is sent by sendMail, as { raw, envelope }',
}

export const composeOptions: OptionTable<ComposeOptions> = {
  allowed: ['7bit', '8bit', 'binary'],
  smtpUtf8: 'boolean',
  nowMs: 'number',
  offsetMinutes: 'number',
  hostname: 'string',
  unique: 'function',
}
