/** All extensions, in the order of their RFCs. */
import { core } from './core/core.ts'
import type { Extension } from './declare.ts'
import { body } from './extensions/body.ts'
import { comparators } from './extensions/comparators.ts'
import { copy } from './extensions/copy.ts'
import { date, index } from './extensions/date.ts'
import { duplicate } from './extensions/duplicate.ts'
import { editheader } from './extensions/editheader.ts'
import { encodedCharacter } from './extensions/encoded-character.ts'
import { enotify } from './extensions/enotify.ts'
import { envelope } from './extensions/envelope.ts'
import { environment } from './extensions/environment.ts'
import { fcc } from './extensions/fcc.ts'
import { fileinto } from './extensions/fileinto.ts'
import { ihave } from './extensions/ihave.ts'
import { imap4flags } from './extensions/imap4flags.ts'
import { includeExtension } from './extensions/include.ts'
import { mailbox } from './extensions/mailbox.ts'
import { mailboxId } from './extensions/mailbox-id.ts'
import { regex } from './extensions/regex.ts'
import { ereject, reject } from './extensions/reject.ts'
import { relational } from './extensions/relational.ts'
import { spamtest, spamtestplus, virustest } from './extensions/spam-and-virus.ts'
import { specialUse } from './extensions/special-use.ts'
import { subaddress } from './extensions/subaddress.ts'
import { vacation, vacationSeconds } from './extensions/vacation.ts'
import { variables } from './extensions/variables.ts'

// Not yet: RFC 5703, tests and changes of the parts of a message, because a run sees the header and the texts of the body alone.
// Not yet: RFC 6009, RFC 6785, parameters of the envelope and events of IMAP, because no host has them for a run.
// Not yet: RFC 6134, because there are no address books.
export const extensions: readonly Extension[] = [
  core,
  fileinto,
  envelope,
  encodedCharacter,
  ...comparators,
  copy,
  body,
  environment,
  variables,
  vacation,
  vacationSeconds,
  relational,
  imap4flags,
  subaddress,
  spamtest,
  spamtestplus,
  virustest,
  date,
  index,
  editheader,
  reject,
  ereject,
  enotify,
  ihave,
  mailbox,
  includeExtension,
  duplicate,
  specialUse,
  fcc,
  mailboxId,
  regex,
]
