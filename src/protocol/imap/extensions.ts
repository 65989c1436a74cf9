/** Features without a verb of their own, each with the files that carry it out. What CAPABILITY says of verbs stands in `commands/`. */
import type { Conversation } from './command.ts'

export interface Extension {
  readonly capability: string | ((conversation: Conversation) => readonly string[])
  readonly rfc: string
  readonly where: string
}

export const extensions: readonly Extension[] = [
  { capability: 'LITERAL+', rfc: 'RFC 7888', where: 'wire/reader.ts, literals.ts' },
  { capability: 'SASL-IR', rfc: 'RFC 4959', where: 'commands/authenticate.ts' },
  { capability: 'UIDPLUS', rfc: 'RFC 4315', where: 'commands/{append,copy,move,expunge}.ts' },
  { capability: 'CHILDREN', rfc: 'RFC 3348', where: 'list.ts' },
  { capability: 'LIST-EXTENDED', rfc: 'RFC 5258', where: 'list.ts, commands/list.ts' },
  { capability: 'LIST-STATUS', rfc: 'RFC 5819', where: 'commands/list.ts' },
  { capability: 'SPECIAL-USE', rfc: 'RFC 6154', where: 'list.ts, commands/list.ts' },
  { capability: 'CREATE-SPECIAL-USE', rfc: 'RFC 6154 §3', where: 'commands/create.ts' },
  { capability: 'STATUS=SIZE', rfc: 'RFC 8438', where: 'status.ts' },
  { capability: 'CONDSTORE', rfc: 'RFC 7162', where: 'condstore.ts, view.ts, commands/{fetch,search,select,store}.ts' },
  { capability: 'MULTIAPPEND', rfc: 'RFC 3502', where: 'commands/append.ts' },
  { capability: 'ESEARCH', rfc: 'RFC 4731', where: 'commands/search.ts' },
  { capability: 'SEARCHRES', rfc: 'RFC 5182', where: 'commands/search.ts, view.ts' },
  {
    // The limit is the account's: before a login nothing can be said. RFC 7889 §3.
    capability: (conversation) =>
      conversation.state === 'notAuthenticated' ? [] : [`APPENDLIMIT=${conversation.account.appendLimitBytes}`],
    rfc: 'RFC 7889',
    where: 'commands/append.ts, status.ts',
  },
]
