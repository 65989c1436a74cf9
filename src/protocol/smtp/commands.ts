/** The verbs of SMTP in RFC 5321's order; EHLO and HELP are derived from this table. */
import type { SmtpService } from './backend.ts'
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

/** A function, since EHLO and HELP, which stand in the table, read it. */
function table(): readonly SmtpCommand[] {
  const standard = [ehlo, helo, lhlo, mail, rcpt, data, bdat, rset, vrfy, expn, etrn, help, noop, quit, starttls, auth]
  return [...standard, xclient, xforward]
}

const tables = new Map<SmtpService, Map<string, SmtpCommand>>()

function tableOf(service: SmtpService): Map<string, SmtpCommand> {
  let rows = tables.get(service)
  if (!rows) {
    const offered = table().filter((row) => !row.services || row.services.includes(service))
    tables.set(service, (rows = new Map(offered.map((row) => [row.name, row]))))
  }
  return rows
}

export function commandsOf(service: SmtpService): readonly SmtpCommand[] {
  return [...tableOf(service).values()]
}

export function commandNamed(name: string, service: SmtpService): SmtpCommand | undefined {
  return tableOf(service).get(name)
}

/** For the test that every verb has a transcript. */
export function allCommandNames(): readonly string[] {
  return table().map(({ name }) => name)
}
