/** The verbs of SMTP in RFC 5321's order; EHLO and HELP are derived from this table. */
import type { SmtpService } from './backend.ts'
import { commandTable, type CommandTable } from '../command.ts'
import type { SmtpCommand } from './command.ts'
import { auth } from './commands/auth.ts'
import { bdat } from './commands/bdat.ts'
import { data } from './commands/data.ts'
import { ehlo, helo, lhlo } from './commands/hello.ts'
import { etrn } from './commands/etrn.ts'
import { help } from './commands/help.ts'
import { mail } from './commands/mail.ts'
import { noop } from './commands/noop.ts'
import { quit } from './commands/quit.ts'
import { rcpt } from './commands/rcpt.ts'
import { rset } from './commands/rset.ts'
import { starttls } from './commands/starttls.ts'
import { expn, vrfy } from './commands/vrfy.ts'
import { xclient } from './commands/xclient.ts'
import { xforward } from './commands/xforward.ts'

export const commands: readonly SmtpCommand[] = [
  ehlo,
  helo,
  lhlo,
  mail,
  rcpt,
  data,
  bdat,
  rset,
  vrfy,
  expn,
  etrn, // RFC 1985
  help,
  noop,
  quit,
  starttls, // RFC 3207
  auth, // RFC 4954
  xclient,
  xforward,
]

const offeredBy = (service: SmtpService): CommandTable<SmtpCommand> =>
  commandTable(commands.filter(({ services }) => services?.includes(service) ?? true))

/** What a session is handed where its owner has no table of its own. */
export const smtpCommands: Readonly<Record<SmtpService, CommandTable<SmtpCommand>>> = {
  smtp: offeredBy('smtp'),
  submission: offeredBy('submission'),
  submissions: offeredBy('submissions'),
  lmtp: offeredBy('lmtp'),
}
