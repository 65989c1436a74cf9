/** `pennypost send`: composes a message and submits it, through our own server or any other. */
import { basename } from 'node:path'
import type { Attachment, ComposedMessage, MessageDraft } from '../mail/compose/message.ts'
import type { Terminal } from '../platform/real/terminal.ts'
import { CommandFault, configOf, examples, jsonOption, placeOptions, UsageFault, type PlaceOptions } from './context.ts'
import type { Subcommand } from './subcommand.ts'

interface SendOptions extends PlaceOptions {
  readonly from?: string
  readonly to: readonly string[]
  readonly cc: readonly string[]
  readonly bcc: readonly string[]
  readonly subject?: string
  readonly text?: string
  readonly html?: string
  readonly textFile?: string
  readonly htmlFile?: string
  readonly attach: readonly string[]
  readonly inline: readonly string[]
  readonly header: readonly string[]
  readonly replyTo?: string
  readonly inReplyTo?: string
  readonly server?: string
  readonly user?: string
  readonly passwordStdin?: boolean
  readonly passwordFile?: string
  readonly tls: string
  readonly insecure?: boolean
  readonly print?: boolean
  readonly json?: boolean
}

const tlsModes = ['auto', 'implicit', 'starttls', 'none'] as const
/** Attached files are read into memory before they are sent. */
const fileBytesMax = 512 * 1024 * 1024

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

export const send: Subcommand = (program, terminal, fail) => {
  examples(
    jsonOption(
      placeOptions(
        program
          .command('send')
          .description('compose a message and send it')
          .option('--from <address>', "sender: 'Alice <alice@example.org>'")
          .option('--to <address>', 'recipient (repeatable)', collect, [])
          .option('--cc <address>', 'copy (repeatable)', collect, [])
          .option('--bcc <address>', 'blind copy (repeatable)', collect, [])
          .option('--subject <text>', 'subject')
          .option('--text <text>', 'text (default: --text-file, or stdin when it is not a terminal)')
          .option('--text-file <file>', 'text from a file')
          .option('--html <html>', 'HTML, in addition to the text')
          .option('--html-file <file>', 'HTML from a file')
          .option('--attach <file>', 'attach a file (repeatable)', collect, [])
          .option('--inline <file>', 'an image that the HTML shows as cid:<file name> (repeatable)', collect, [])
          .option('--header <field>', "a further header field: 'X-Name: value' (repeatable)", collect, [])
          .option('--reply-to <address>', 'address for replies')
          .option('--in-reply-to <id>', 'the Message-ID that this message replies to')
          .option('--server <host:port>', 'another submission server (default: this one)')
          .option('--user <name>', 'sign in with this name')
          .option('--password-stdin', 'the password is the first line of standard input')
          .option('--password-file <file>', 'the password is the first line of a file')
          .option(
            '--tls <mode>',
            `one of ${tlsModes.join(', ')}; auto: by port, and required when a password is sent`,
            'auto',
          )
          .option('--insecure', 'accept any certificate of the server')
          .option('--print', 'print the message instead of sending it'),
      ),
    ),
    'pennypost send --from alice@example.org --to bob@example.net --subject Hello --text "How are you?"',
    'pennypost send --from alice@example.org --to bob@example.net --html-file letter.html --attach report.pdf',
    'pennypost send --server smtp.example.net:465 --user alice --password-file pw --from … --to … --text …',
  ).action((options: SendOptions) => sendMessage(options, terminal, fail))
}

async function sendMessage(options: SendOptions, terminal: Terminal, fail: (status: number) => void): Promise<void> {
  if (options.from === undefined) throw new UsageFault('Name the sender: --from alice@example.org')
  if (options.to.length + options.cc.length + options.bcc.length === 0)
    throw new UsageFault('Name a recipient: --to bob@example.net')
  const tls = tlsModes.find((mode) => mode === options.tls)
  if (tls === undefined) throw new UsageFault(`--tls is one of ${tlsModes.join(', ')}`)
  const composed = await compose(terminal, options)
  const bytes = await composed.bytes()
  if (options.print) {
    terminal.out(Buffer.from(bytes).toString('utf8'))
    return
  }
  const { formatMailbox } = await import('../mail/address.ts')
  const envelope = {
    reversePath: formatMailbox(composed.sender),
    recipients: composed.recipients.map(formatMailbox),
    body: composed.body === '7bit' ? ('7bit' as const) : ('8bitmime' as const),
    smtpUtf8: composed.smtpUtf8,
  }
  const password = await passwordOf(terminal, options)
  const { submitLocally, submitTo } = await import('./sendmail/submit.ts')
  const config = await configOf(options)
  const done =
    options.server === undefined
      ? await submitLocally(config, envelope, bytes)
      : await submitTo(
          {
            server: options.server,
            user: options.user,
            password,
            tls,
            insecure: options.insecure === true,
            hostname: config.hostname,
          },
          envelope,
          bytes,
        )
  if (options.json) terminal.out(`${JSON.stringify({ messageId: composed.messageId, ...done })}\n`)
  if (done.kind === 'taken') {
    if (!options.json) terminal.out(`Accepted: ${done.words} (Message-ID <${composed.messageId}>)\n`)
    return
  }
  terminal.note(
    done.kind === 'later'
      ? `Temporary failure: ${done.words}. Try again later, or start the server with "pennypost serve".\n`
      : `Refused: ${done.words}. Correct what it names and send again.\n`,
  )
  fail(1)
}

async function compose(terminal: Terminal, options: SendOptions): Promise<ComposedMessage> {
  const [{ composeMessage }, { ComposeFault }, { realClock }, { realRandom }, { randomId }] = await Promise.all([
    import('../mail/compose/message.ts'),
    import('../mail/compose/fields.ts'),
    import('../platform/real/clock.ts'),
    import('../platform/real/random.ts'),
    import('../base/random.ts'),
  ])
  const html = options.html ?? (options.htmlFile === undefined ? undefined : await textOf(options.htmlFile))
  const draft: MessageDraft = {
    from: options.from!,
    to: options.to,
    cc: options.cc,
    bcc: options.bcc,
    replyTo: options.replyTo,
    inReplyTo: options.inReplyTo,
    references: options.inReplyTo,
    subject: options.subject,
    text: await bodyText(terminal, options, html !== undefined),
    html,
    attachments: [
      ...(await Promise.all(options.attach.map((file) => fileOf(file, false)))),
      ...(await Promise.all(options.inline.map((file) => fileOf(file, true)))),
    ],
    fields: options.header.map(fieldOf),
  }
  const { hostname } = await configOf(options)
  const environment = {
    nowMs: realClock.now(),
    offsetMinutes: -new Date(realClock.now()).getTimezoneOffset(),
    hostname,
    unique: () => randomId(realRandom, 24).replaceAll('_', '0'),
  }
  try {
    return composeMessage(draft, environment)
  } catch (error) {
    // Only an address in UTF-8 needs this: everything else goes through every server.
    if (error instanceof ComposeFault && error.message.includes('SMTPUTF8'))
      return composeMessage(draft, { ...environment, smtpUtf8: true, allowed: '8bit' })
    if (error instanceof ComposeFault)
      throw new UsageFault(`${error.message[0]!.toUpperCase()}${error.message.slice(1)}`)
    throw error
  }
}

async function bodyText(terminal: Terminal, options: SendOptions, hasHtml: boolean): Promise<string | undefined> {
  if (options.text !== undefined) return options.text
  if (options.textFile !== undefined) return textOf(options.textFile)
  // No text to read if stdin is a terminal, or has the password.
  if (options.passwordStdin || !terminal.readText) return hasHtml ? undefined : ''
  return (await terminal.readText(fileBytesMax)) ?? (hasHtml ? undefined : '')
}

async function fileBytes(path: string): Promise<Uint8Array> {
  const { realFiles } = await import('../platform/real/files.ts')
  const sizeBytes = await realFiles.sizeBytes(path)
  if (sizeBytes === undefined) throw new CommandFault(`File not found: ${path}`)
  if (sizeBytes > fileBytesMax) throw new CommandFault(`${path} is too large to attach`)
  return (await realFiles.read(path)) ?? new Uint8Array(0)
}

async function textOf(path: string): Promise<string> {
  return Buffer.from(await fileBytes(path)).toString('utf8')
}

async function fileOf(path: string, inline: boolean): Promise<Attachment> {
  const { typeOfName } = await import('../mail/compose/file-type.ts')
  const name = basename(path)
  const contentId = inline ? name.replace(/[^\w.-]/g, '-') : undefined
  return { content: await fileBytes(path), name, type: typeOfName(name), inline, contentId }
}

function fieldOf(text: string): readonly [string, string] {
  const colon = text.indexOf(':')
  if (colon <= 0) throw new UsageFault(`"${text}" is not a header field: write it as 'X-Name: value'`)
  return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()]
}

async function passwordOf(terminal: Terminal, options: SendOptions): Promise<string | undefined> {
  if (options.user === undefined) return undefined
  if (options.passwordFile !== undefined) return (await textOf(options.passwordFile)).split(/\r?\n/)[0]
  if (options.passwordStdin) return terminal.readLine()
  const typed = await terminal.readSecret(`Password of ${options.user}: `)
  if (typed === undefined)
    throw new UsageFault(
      'stdin is not a terminal, so there is no way to ask for the password: use --password-stdin or --password-file',
    )
  return typed
}
