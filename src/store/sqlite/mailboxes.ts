/** Mailboxes and subscriptions: make, delete, rename. RFC 9051 §6.3.4–§6.3.8. */
import type { AccountId } from '../../mail/ids.ts'
import type { MailboxRole } from '../../mail/special-use.ts'
import { checkName, mailboxesMax } from '../mailbox-names.ts'
import type { Operation, ResultOf } from '../operations.ts'
import { StoreRefusal } from '../store.ts'
import type { MailboxState, WriteContext } from './context.ts'
import { changeRefs, move, removeFrom } from './messages.ts'

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>

/** Makes one mailbox; the account's uidValidity counter gives it one that no earlier mailbox of the account had. */
export function insertMailbox(
  context: WriteContext,
  accountId: AccountId,
  name: string,
  role: MailboxRole | null,
): number {
  const account = context.editAccount(context.account(accountId))
  const uidValidity = account.uidValidity++
  const modSeq = context.nextModSeq(accountId)
  const { lastInsertRowid } = context
    .sql(
      'INSERT INTO mailbox (account, name, role, uidValidity, highestModSeq, createdModSeq, propertyModSeq) VALUES (?, ?, ?, ?, ?, ?, ?)',
    )
    .run(accountId, name, role, uidValidity, modSeq, modSeq, modSeq)
  return Number(lastInsertRowid)
}

function count(context: WriteContext, account: AccountId): number {
  return context.sql('SELECT count(*) AS n FROM mailbox WHERE account = ?').get(account)!['n'] as number
}

/** RFC 9051 §6.3.4: superior names that miss are made too. */
export function createMailbox(context: WriteContext, op: Op<'mailboxCreate'>): ResultOf<Op<'mailboxCreate'>> {
  const name = checkName(op.name)
  context.account(op.account)
  if (context.mailboxByName(op.account, name)) throw new StoreRefusal('nameTaken', 'There is a mailbox of that name')
  const levels = name.split('/')
  if (count(context, op.account) + levels.length > mailboxesMax) {
    throw new StoreRefusal('tooManyMailboxes', `An account has at most ${mailboxesMax} mailboxes`)
  }
  for (let depth = 1; depth < levels.length; depth++) {
    const parent = levels.slice(0, depth).join('/')
    if (!context.mailboxByName(op.account, parent)) insertMailbox(context, op.account, parent, null)
  }
  if (op.role && context.sql('SELECT 1 FROM mailbox WHERE account = ? AND role = ?').get(op.account, op.role)) {
    throw new StoreRefusal('notAllowed', `The account already has a mailbox for \\${op.role}`)
  }
  const id = insertMailbox(context, op.account, name, op.role ?? null)
  context.changes.push({ kind: 'mailboxes', account: op.account })
  return { id }
}

/** Takes a mailbox and its messages away; without `nowMs` the account goes too, and with it what would be noted. Its uidValidity is never given again. */
function removeMailbox(context: WriteContext, mailbox: MailboxState, nowMs?: number): void {
  const { account, createdModSeq } = mailbox
  const modSeq = context.nextModSeq(account)
  context.messagesCame(context.account(mailbox.account), -mailbox.messages, -mailbox.sizeBytes)
  if (nowMs === undefined) changeRefs(context, mailbox.id, 1, 0xffff_ffff, -1)
  else removeFrom(context, mailbox, [1, 0xffff_ffff], modSeq, nowMs)
  context.sql('DELETE FROM message WHERE mailbox = ?').run(mailbox.id)
  context.sql('DELETE FROM expunged WHERE mailbox = ?').run(mailbox.id)
  context.sql('DELETE FROM seen WHERE mailbox = ?').run(mailbox.id)
  context.sql('DELETE FROM snapshot WHERE mailbox = ?').run(mailbox.id)
  context.sql('DELETE FROM mailbox WHERE id = ?').run(mailbox.id)
  context
    .sql('INSERT INTO mailboxGone (account, modSeq, mailbox, createdModSeq, atMs) VALUES (?, ?, ?, ?, ?)')
    .run(account, modSeq, mailbox.id, createdModSeq, nowMs ?? 0)
  context.forgetMailbox(mailbox.id)
  context.changes.settleAll()
  context.changes.push({ kind: 'mailboxGone', account: mailbox.account, mailbox: mailbox.id })
}

/** RFC 9051 §6.3.5. Children stay; the name then only holds them. */
export function deleteMailbox(context: WriteContext, op: Op<'mailboxDelete'>): null {
  const name = checkName(op.name)
  if (name === 'INBOX') throw new StoreRefusal('notAllowed', 'INBOX cannot be deleted')
  const mailbox = context.mailboxByName(op.account, name)
  if (!mailbox) throw new StoreRefusal('noSuchMailbox', 'No such mailbox')
  removeMailbox(context, mailbox, op.nowMs)
  context.changes.push({ kind: 'mailboxes', account: op.account })
  return null
}

/** RFC 9051 §6.3.6. Children move along; renaming INBOX moves its messages and leaves it empty. */
export function renameMailbox(context: WriteContext, op: Op<'mailboxRename'>): null {
  const from = checkName(op.from)
  const to = checkName(op.to)
  const mailbox = context.mailboxByName(op.account, from)
  const children = childrenOf(context, op.account, from)
  if (!mailbox && children.length === 0) throw new StoreRefusal('noSuchMailbox', 'No such mailbox')
  if (context.mailboxByName(op.account, to)) throw new StoreRefusal('nameTaken', 'There is a mailbox of that name')
  if (to.startsWith(`${from}/`)) throw new StoreRefusal('notAllowed', 'A mailbox cannot move below itself')
  if (from === 'INBOX') {
    const { id } = createMailbox(context, { kind: 'mailboxCreate', account: op.account, name: to })
    move(context, { kind: 'move', mailbox: mailbox!.id, uids: [[1, 0xffff_ffff]], target: id, nowMs: op.nowMs })
    return null
  }
  for (const child of children) {
    const renamed = checkName(to + child.name.slice(from.length))
    if (context.mailboxByName(op.account, renamed)) throw new StoreRefusal('nameTaken', `There is a mailbox ${renamed}`)
  }
  const levels = to.split('/')
  for (let depth = 1; depth < levels.length; depth++) {
    const parent = levels.slice(0, depth).join('/')
    if (!context.mailboxByName(op.account, parent)) insertMailbox(context, op.account, parent, null)
  }
  const propertyModSeq = context.nextModSeq(op.account)
  for (const moved of [...(mailbox ? [mailbox] : []), ...children]) {
    const name = to + moved.name.slice(from.length)
    // The row at once, since the next look-up goes by name.
    context.sql('UPDATE mailbox SET name = ? WHERE id = ?').run(name, moved.id)
    Object.assign(context.editMailbox(moved), { name, propertyModSeq })
  }
  context.changes.push({ kind: 'mailboxes', account: op.account })
  return null
}

function childrenOf(context: WriteContext, account: AccountId, name: string): MailboxState[] {
  // `0` is the character behind `/`: the range holds exactly the names that begin with "name/".
  return context
    .sql('SELECT id FROM mailbox WHERE account = ? AND name > ? AND name < ? ORDER BY name')
    .all(account, `${name}/`, `${name}0`)
    .map((row) => context.mailbox(row['id'] as number))
}

/** RFC 9051 §6.3.7. The name need not exist, and outlives the mailbox. */
export function subscribe(context: WriteContext, op: Op<'subscribe'>): null {
  const name = checkName(op.name)
  context.account(op.account)
  if (op.on) {
    const { n } = context.sql('SELECT count(*) AS n FROM subscription WHERE account = ?').get(op.account) as {
      n: number
    }
    if (n >= mailboxesMax)
      throw new StoreRefusal('tooManyMailboxes', `An account has at most ${mailboxesMax} subscriptions`)
    context.sql('INSERT OR IGNORE INTO subscription (account, name) VALUES (?, ?)').run(op.account, name)
  } else context.sql('DELETE FROM subscription WHERE account = ? AND name = ?').run(op.account, name)
  const propertyModSeq = context.nextModSeq(op.account)
  const mailbox = context.mailboxByName(op.account, name)
  if (mailbox) context.editMailbox(mailbox).propertyModSeq = propertyModSeq
  context.changes.push({ kind: 'mailboxes', account: op.account })
  return null
}

export function claimRecent(context: WriteContext, op: Op<'claimRecent'>): ResultOf<Op<'claimRecent'>> {
  const mailbox = context.mailbox(op.mailbox)
  const { recentUid } = mailbox
  if (recentUid < mailbox.uidNext) context.editMailbox(mailbox).recentUid = mailbox.uidNext
  return { recentUid }
}

/** All of an account's mailboxes, when it goes. */
export function removeMailboxesOf(context: WriteContext, account: AccountId): void {
  for (const row of context.sql('SELECT id FROM mailbox WHERE account = ?').all(account)) {
    removeMailbox(context, context.mailbox(row['id'] as number))
  }
}
