/** Mailboxes and subscriptions of the reference engine. RFC 9051 §6.3.4–§6.3.8. */
import type { AccountId, Uid } from '../../mail/ids.ts'
import type { MailboxRole } from '../../mail/special-use.ts'
import type { MailboxRow } from '../entities.ts'
import { checkName, mailboxesMax } from '../mailbox-names.ts'
import type { Operation, ResultOf } from '../operations.ts'
import { StoreRefusal } from '../store.ts'
import { move, removeFrom } from './messages.ts'
import type { State } from './state.ts'

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>

/** The account's counter gives a uidValidity that no earlier mailbox of it had. */
export function insertMailbox(state: State, account: AccountId, name: string, role: MailboxRole | null): number {
  const { uidValidity } = state.account(account)
  state.editAccount(account, { uidValidity: uidValidity + 1 })
  const id = state.next('mailbox')
  const modSeq = state.nextModSeq(account)
  state.mail.mailboxes.set(id, {
    id,
    account,
    name,
    role,
    uidValidity,
    uidNext: 1 as Uid,
    highestModSeq: modSeq,
    createdModSeq: modSeq,
    propertyModSeq: modSeq,
    recentUid: 1 as Uid,
    messages: 0,
    unseen: 0,
    deleted: 0,
    sizeBytes: 0,
  })
  return id
}

/** Superior names that miss are made too. */
function insertParents(state: State, account: AccountId, name: string): void {
  const levels = name.split('/')
  for (let depth = 1; depth < levels.length; depth++) {
    const parent = levels.slice(0, depth).join('/')
    if (!state.mailboxByName(account, parent)) insertMailbox(state, account, parent, null)
  }
}

export function createMailbox(state: State, op: Op<'mailboxCreate'>): ResultOf<Op<'mailboxCreate'>> {
  const { account, role = null } = op
  const name = checkName(op.name)
  state.account(account)
  if (state.mailboxByName(account, name)) throw new StoreRefusal('nameTaken', 'There is a mailbox of that name')
  if (state.mailboxesOf(account).length + name.split('/').length > mailboxesMax)
    throw new StoreRefusal('tooManyMailboxes', `An account has at most ${mailboxesMax} mailboxes`)
  if (role && state.mailboxesOf(account).some((row) => row.role === role))
    throw new StoreRefusal('notAllowed', `The account already has a mailbox for \\${role}`)
  insertParents(state, account, name)
  const id = insertMailbox(state, account, name, role)
  state.changes.push({ kind: 'mailboxes', account })
  return { id }
}

/** Takes a mailbox and its messages away. Its uidValidity is never given again. */
export function removeMailbox(
  state: State,
  { id, account, messages, sizeBytes, createdModSeq }: MailboxRow,
  nowMs: number,
): void {
  const modSeq = state.nextModSeq(account)
  state.messagesCame(account, -messages, -sizeBytes)
  removeFrom(state, account, state.messages(id), modSeq, nowMs)
  state.mail.messages.delete(id)
  state.mail.expunged.delete(id)
  state.mail.mailboxes.delete(id)
  const gone = { modSeq, mailbox: id, createdModSeq, atMs: nowMs }
  state.mail.gone.set(account, [...(state.mail.gone.get(account) ?? []), gone])
  state.changes.settleAll()
  state.changes.push({ kind: 'mailboxGone', account, mailbox: id })
}

/** Children stay; the name then only holds them. */
export function deleteMailbox(state: State, op: Op<'mailboxDelete'>): null {
  const name = checkName(op.name)
  if (name === 'INBOX') throw new StoreRefusal('notAllowed', 'INBOX cannot be deleted')
  const mailbox = state.mailboxByName(op.account, name)
  if (!mailbox) throw new StoreRefusal('noSuchMailbox', 'No such mailbox')
  removeMailbox(state, mailbox, op.nowMs)
  state.changes.push({ kind: 'mailboxes', account: op.account })
  return null
}

/** Children move along; renaming INBOX moves its messages and leaves it empty. */
export function renameMailbox(state: State, op: Op<'mailboxRename'>): null {
  const { account, nowMs } = op
  const [from, to] = [checkName(op.from), checkName(op.to)]
  const mailbox = state.mailboxByName(account, from)
  const children = state.mailboxesOf(account).filter(({ name }) => name.startsWith(`${from}/`))
  if (!mailbox && children.length === 0) throw new StoreRefusal('noSuchMailbox', 'No such mailbox')
  if (state.mailboxByName(account, to)) throw new StoreRefusal('nameTaken', 'There is a mailbox of that name')
  if (to.startsWith(`${from}/`)) throw new StoreRefusal('notAllowed', 'A mailbox cannot move below itself')
  if (from === 'INBOX') {
    const { id } = createMailbox(state, { kind: 'mailboxCreate', account, name: to })
    move(state, { kind: 'move', mailbox: mailbox!.id, uids: [[1, 0xffff_ffff]], target: id, nowMs })
    return null
  }
  for (const child of children) {
    const renamed = checkName(to + child.name.slice(from.length))
    if (state.mailboxByName(account, renamed)) throw new StoreRefusal('nameTaken', `There is a mailbox ${renamed}`)
  }
  insertParents(state, account, to)
  const propertyModSeq = state.nextModSeq(account)
  for (const { id, name } of [...(mailbox ? [mailbox] : []), ...children])
    state.editMailbox(id, { name: to + name.slice(from.length), propertyModSeq })
  state.changes.push({ kind: 'mailboxes', account })
  return null
}

/** The name need not exist, and outlives the mailbox. */
export function subscribe(state: State, op: Op<'subscribe'>): null {
  const { account, on } = op
  const name = checkName(op.name)
  state.account(account)
  const names = (state.mail.subscriptions.get(account) ?? []).filter((one) => one !== name)
  if (on && names.length >= mailboxesMax)
    throw new StoreRefusal('tooManyMailboxes', `An account has at most ${mailboxesMax} subscriptions`)
  state.mail.subscriptions.set(account, on ? [...names, name] : names)
  const propertyModSeq = state.nextModSeq(account)
  const mailbox = state.mailboxByName(account, name)
  if (mailbox) state.editMailbox(mailbox.id, { propertyModSeq })
  state.changes.push({ kind: 'mailboxes', account })
  return null
}

export function claimRecent(state: State, op: Op<'claimRecent'>): ResultOf<Op<'claimRecent'>> {
  const { recentUid, uidNext } = state.mailbox(op.mailbox)
  if (recentUid < uidNext) state.editMailbox(op.mailbox, { recentUid: uidNext })
  return { recentUid }
}
