/** Commands for the mailboxes of an account, used by an operator for its owner. RFC 9051 §6.3.4–§6.3.8 define each. */
import { canonicalMailboxName } from '../mail/mailbox-name.ts'
import { specialRoles, type MailboxRole } from '../mail/special-use.ts'
import type { Account, MailboxRow } from '../store/entities.ts'
import { StoreRefusal, type Store } from '../store/store.ts'
import { accountOf } from './control-accounts.ts'
import { command } from './control-command.ts'
import { CommandRefusal } from './provision.ts'

async function mailboxOf(store: Store, account: Account, name: string): Promise<MailboxRow> {
  const row = await store.read.mailboxByName(account.id, canonicalMailboxName(name))
  if (row) return row
  throw new CommandRefusal(
    'noSuchMailbox',
    `${account.name} has no mailbox "${name}": "pennypost mailbox list ${account.name}" lists them`,
  )
}

/** Adds a hint for the operator to a refusal of the store. */
async function orTell(work: Promise<unknown>, hints: Partial<Record<StoreRefusal['code'], string>>): Promise<void> {
  try {
    await work
  } catch (error) {
    const hint = error instanceof StoreRefusal ? hints[error.code] : undefined
    if (hint === undefined) throw error
    throw new CommandRefusal((error as StoreRefusal).code, `${(error as Error).message}: ${hint}`)
  }
}

const anotherName = 'use another name, or rename that one first'

export const mailboxCommands = {
  /** Creates missing parents too, and subscribes, so that mail programs show it. */
  mailboxCreate: command({ account: 'text', name: 'text', role: 'text?' }, async ({ store }, args) => {
    const account = await accountOf(store, args.account)
    const { name, role } = args
    if (role !== undefined && !specialRoles.includes(role as never)) {
      throw new CommandRefusal('badArguments', `Unknown role "${role}": use one of ${specialRoles.join(', ')}`)
    }
    const create = { kind: 'mailboxCreate', account: account.id, name, role: role as MailboxRole | undefined } as const
    const work = store.commit([create, { kind: 'subscribe', account: account.id, name, on: true }])
    await orTell(work, { nameTaken: anotherName, notAllowed: 'leave out --role, or rename that mailbox' })
    return { ...(await mailboxOf(store, account, name)), account: account.name }
  }),

  mailboxRename: command({ account: 'text', from: 'text', to: 'text' }, async ({ store, clock }, args) => {
    const account = await accountOf(store, args.account)
    const { name: from } = await mailboxOf(store, account, args.from)
    const { to } = args
    const work = store.commit([{ kind: 'mailboxRename', account: account.id, from, to, nowMs: clock.now() }])
    await orTell(work, { nameTaken: anotherName, notAllowed: 'use a name outside of it' })
    return { account: account.name, from, to }
  }),

  /** @returns the number of messages deleted with it. */
  mailboxDelete: command({ account: 'text', name: 'text' }, async ({ store, clock }, args) => {
    const account = await accountOf(store, args.account)
    const { name, messages } = await mailboxOf(store, account, args.name)
    const work = store.commit([
      { kind: 'mailboxDelete', account: account.id, name, nowMs: clock.now() },
      { kind: 'subscribe', account: account.id, name, on: false },
    ])
    await orTell(work, { notAllowed: "its owner's mail arrives there; a program can empty it" })
    return { account: account.name, name, messages }
  }),

  mailboxSubscribe: command({ account: 'text', name: 'text', on: 'flag?' }, async ({ store }, args) => {
    const account = await accountOf(store, args.account)
    const { on = true } = args
    // A subscription may outlive its mailbox, so unsubscribing does not need the mailbox.
    const name = on ? (await mailboxOf(store, account, args.name)).name : args.name
    if (!on && !(await store.read.subscriptions(account.id)).includes(name)) {
      throw new CommandRefusal(
        'noSuchMailbox',
        `${account.name} is not subscribed to "${name}": "pennypost mailbox list" shows the mailboxes`,
      )
    }
    await store.commit([{ kind: 'subscribe', account: account.id, name, on }])
    return { account: account.name, name, on }
  }),

  mailboxShow: command({ account: 'text', name: 'text' }, async ({ store }, args) => {
    const account = await accountOf(store, args.account)
    const row = await mailboxOf(store, account, args.name)
    return {
      ...row,
      account: account.name,
      subscribed: (await store.read.subscriptions(account.id)).includes(row.name),
    }
  }),
}
