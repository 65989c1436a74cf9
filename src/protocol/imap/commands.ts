/** Every verb, in the order of RFC 3501 §6 and then of the extensions' numbers. CAPABILITY is derived from this. */
import { commandTable } from '../command.ts'
import type { ImapCommand } from './command.ts'
import { append } from './commands/append.ts'
import { authenticate } from './commands/authenticate.ts'
import { capability } from './commands/capability.ts'
import { check } from './commands/check.ts'
import { close } from './commands/close.ts'
import { copy } from './commands/copy.ts'
import { create } from './commands/create.ts'
import { deleteMailbox } from './commands/delete.ts'
import { enable } from './commands/enable.ts'
import { examine } from './commands/examine.ts'
import { expunge } from './commands/expunge.ts'
import { fetch } from './commands/fetch.ts'
import { id } from './commands/id.ts'
import { idle } from './commands/idle.ts'
import { list } from './commands/list.ts'
import { login } from './commands/login.ts'
import { logout } from './commands/logout.ts'
import { lsub } from './commands/lsub.ts'
import { move } from './commands/move.ts'
import { namespace } from './commands/namespace.ts'
import { noop } from './commands/noop.ts'
import { rename } from './commands/rename.ts'
import { search } from './commands/search.ts'
import { select } from './commands/select.ts'
import { startTls } from './commands/starttls.ts'
import { status } from './commands/status.ts'
import { store } from './commands/store.ts'
import { subscribe } from './commands/subscribe.ts'
import { unselect } from './commands/unselect.ts'
import { unsubscribe } from './commands/unsubscribe.ts'

export const commands: readonly ImapCommand[] = [
  capability,
  noop,
  logout,
  startTls,
  authenticate,
  login,
  select,
  examine,
  create,
  deleteMailbox,
  rename,
  subscribe,
  unsubscribe,
  list,
  lsub,
  status,
  append,
  check,
  close,
  expunge,
  search,
  fetch,
  store,
  copy,
  idle, // RFC 2177
  namespace, // RFC 2342
  id, // RFC 2971
  unselect, // RFC 3691
  enable, // RFC 5161
  move, // RFC 6851
]

/** What a session is handed where its owner has no table of its own. */
export const imapCommands = commandTable(commands)
