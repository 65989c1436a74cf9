/** Commands for signed-in sessions. */
import { command } from './control-command.ts'
import { accountName, CommandRefusal } from './provision.ts'
import type { SessionRow } from '../access/sessions.ts'

export const sessionCommands = {
  sessionList: command({ account: 'text?' }, ({ sessions }, { account }): { rows: readonly SessionRow[] } => ({
    rows: sessions?.list(account === undefined ? undefined : accountName(account)) ?? [],
  })),

  /** One by its id, or all of an account. */
  sessionEnd: command({ id: 'text?', account: 'text?' }, ({ sessions }, { id, account }) => {
    if ((id === undefined) === (account === undefined))
      throw new CommandRefusal('badArguments', 'Name one session, or use --account for all sessions of an account')
    const ended = sessions?.end({ id, account: account === undefined ? undefined : accountName(account) }) ?? 0
    if (ended === 0) {
      const what = id === undefined ? `There is no session of ${account}` : `There is no session ${id}`
      throw new CommandRefusal('noSuchSession', `${what}: "pennypost session list" lists them`)
    }
    return { ended }
  }),
}
