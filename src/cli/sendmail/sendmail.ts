/** `sendmail`, `mailq` and `newaliases` under their traditional names, options and exit statuses. sendmail(8), sysexits(3). */
import type { Config } from '../../config/config.ts'
import { ConfigError } from '../../config/fault.ts'
import type { MailTerminal } from '../../platform/real/terminal.ts'
import { configOf } from '../context.ts'
import { parseSendmailArguments, SendmailUsage, type SendmailArguments } from './arguments.ts'

/** sysexits(3): what callers of sendmail know. */
const exits = {
  ok: 0,
  usage: 64,
  data: 65,
  noUser: 67,
  unavailable: 69,
  software: 70,
  later: 75,
  config: 78,
} as const

/** Room for the header and line ends that are added to the largest message. */
const inputSpareBytes = 1024 * 1024

export async function runSendmail(name: string, given: readonly string[], terminal: MailTerminal): Promise<number> {
  const say = (text: string): void => terminal.note(`${name}: ${text}\n`)
  let wanted: SendmailArguments
  let config: Config
  try {
    wanted = parseSendmailArguments(name, given)
    config = await configOf({ config: wanted.config })
  } catch (error) {
    say((error as Error).message)
    if (error instanceof SendmailUsage) return exits.usage
    return error instanceof ConfigError ? exits.config : exits.software
  }
  try {
    switch (wanted.mode) {
      case 'send':
        return await send(wanted, config, terminal, say)
      case 'smtp': {
        const { speakSmtp } = await import('./stdin-smtp.ts')
        return await speakSmtp(config, say)
      }
      case 'queue': {
        const { printQueue } = await import('./mailq.ts')
        return await printQueue(config, terminal)
      }
      case 'aliases': {
        const { takeAliases } = await import('./newaliases.ts')
        return await takeAliases(config, terminal)
      }
      case 'flush': {
        const { flushQueue } = await import('./mailq.ts')
        return await flushQueue(config)
      }
    }
  } catch (error) {
    say(`${(error as Error).message}`)
    return (error as { code?: string }).code === 'EACCES' ? exits.unavailable : exits.software
  }
}

async function send(
  wanted: SendmailArguments,
  config: Config,
  terminal: MailTerminal,
  say: (text: string) => void,
): Promise<number> {
  const [{ complete, localMessage, NoAddress }, { submitLocally }] = await Promise.all([
    import('./message.ts'),
    import('./submit.ts'),
  ])
  if (wanted.recipients.length === 0 && !wanted.fromHeader) {
    say('no recipients: name them, or take them from the header with -t')
    return exits.usage
  }
  const bytesMax = config.transfer.messageBytesMax
  const input = await terminal.readAll(bytesMax + inputSpareBytes)
  if (!input) {
    say(`the message is longer than the ${bytesMax} bytes that are taken (messageBytesMax)`)
    return exits.data
  }
  try {
    const { origin } = config
    const sender = wanted.sender === '' ? '' : complete(wanted.sender ?? terminal.userName(), origin)
    const { bytes, recipients } = localMessage(input, { ...wanted, sender, origin })
    if (recipients.length === 0) {
      say('no recipients: the header names none')
      return exits.usage
    }
    const eightBit = bytes.some((byte) => byte > 127)
    const smtpUtf8 = [sender, ...recipients].some((address) => /[^\x20-\x7e]/.test(address))
    const { notify, ret, envelopeId } = wanted
    const body = wanted.body ?? (eightBit ? '8bitmime' : '7bit')
    const dsn = notify === undefined ? undefined : recipients.map(() => ({ notify }))
    const envelope = { reversePath: sender, recipients, body, smtpUtf8, dsn, ret, envelopeId }
    const done = await submitLocally(config, envelope, bytes)
    if (done.kind !== 'taken') say(done.words)
    else if (wanted.verbose) terminal.note(`${done.words}\n`)
    return done.kind === 'taken' ? exits.ok : done.kind === 'later' ? exits.later : exits.unavailable
  } catch (error) {
    if (!(error instanceof NoAddress)) throw error
    say(error.message)
    return exits.data
  }
}
