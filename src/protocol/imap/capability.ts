/** CAPABILITY: derived from the command table and the extensions for the present state and configuration. RFC 3501 §6.1.1. */
import type { SaslChannel } from '../sasl/mechanism.ts'
import type { CommandTable } from '../command.ts'
import type { Conversation, ImapCommand } from './command.ts'
import { extensions } from './extensions.ts'

/** The connection as the rule of sign-in sees it. */
export function channelOf({ options, host }: Conversation): SaslChannel {
  return { tls: host.tls, startTls: options.startTls, plaintextAuth: options.plaintextAuth }
}

/** STARTTLS stands before a login and only once. RFC 3501 §6.2.1. */
export function startTlsOffered(conversation: Conversation): boolean {
  return conversation.options.startTls && conversation.host.tls === null && conversation.state === 'notAuthenticated'
}

export function capabilities(conversation: Conversation, commands: CommandTable<ImapCommand>): string {
  const names = ['IMAP4rev1', 'IMAP4rev2']
  for (const { capability } of commands.values()) {
    if (typeof capability === 'string') names.push(capability)
    else if (typeof capability === 'function') names.push(...capability(conversation))
  }
  for (const extension of extensions) {
    if (typeof extension.capability === 'string') names.push(extension.capability)
    else names.push(...extension.capability(conversation))
  }
  return names.join(' ')
}
