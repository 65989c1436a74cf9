/** The verbs of POP3 in RFC 1939's order; CAPA is derived from this table. */
import { commandTable } from '../command.ts'
import type { Pop3Command } from './command.ts'
import { auth } from './commands/auth.ts'
import { capa } from './commands/capa.ts'
import { dele, rset } from './commands/delete.ts'
import { lang } from './commands/lang.ts'
import { list, stat, uidl } from './commands/list.ts'
import { noop } from './commands/noop.ts'
import { quit } from './commands/quit.ts'
import { retr, top } from './commands/retrieve.ts'
import { pass, user } from './commands/sign-in.ts'
import { stls } from './commands/stls.ts'
import { utf8 } from './commands/utf8.ts'

export const commands: readonly Pop3Command[] = [
  quit,
  stat,
  list,
  retr,
  dele,
  noop,
  rset,
  top,
  uidl,
  user,
  pass,
  capa,
  auth,
  stls,
  utf8,
  lang,
]

/** What a session is handed where its owner has no table of its own. */
export const pop3Commands = commandTable(commands)
