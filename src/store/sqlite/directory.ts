/** Domains, accounts, credentials, aliases and settings. */
import type { AccountId } from '../../mail/ids.ts'
import type { Operation, ResultOf } from '../operations.ts'
import { StoreRefusal } from '../store.ts'
import type { WriteContext } from './context.ts'
import { insertMailbox, removeMailboxesOf } from './mailboxes.ts'

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1)
}

export function addDomain(context: WriteContext, op: Op<'domainAdd'>): null {
  context.sql('INSERT OR IGNORE INTO domain (name) VALUES (?)').run(op.name)
  context.directoryChanged({ name: op.name, isLocal: true })
  return null
}

export function removeDomain(context: WriteContext, op: Op<'domainRemove'>): null {
  const held = context.sql("SELECT name FROM account WHERE name LIKE '%@' || ? LIMIT 1").get(op.name)
  if (held)
    throw new StoreRefusal('notAllowed', `The domain still has accounts (${String(held['name'])}): remove them first`)
  const { changes } = context.sql('DELETE FROM domain WHERE name = ?').run(op.name)
  if (Number(changes) === 0) throw new StoreRefusal('noSuchDomain', `${op.name} is not one of our domains`)
  context.sql("DELETE FROM alias WHERE address LIKE '%@' || ?").run(op.name)
  context.directoryChanged({ name: op.name, isLocal: false })
  return null
}

export function addAccount(context: WriteContext, op: Op<'accountAdd'>): ResultOf<Op<'accountAdd'>> {
  if (!context.sql('SELECT 1 FROM domain WHERE name = ?').get(domainOf(op.name))) {
    throw new StoreRefusal('noSuchDomain', `${domainOf(op.name)} is not one of our domains: add it first`)
  }
  if (context.sql('SELECT 1 FROM account WHERE name = ?').get(op.name)) {
    throw new StoreRefusal('nameTaken', `There is an account ${op.name}`)
  }
  // Seconds since 1970 as the first uidValidity: an account made anew under an old name has larger ones. RFC 9051 §2.3.1.1.
  const { lastInsertRowid } = context
    .sql('INSERT INTO account (name, quotaBytes, uidValidity) VALUES (?, ?, ?)')
    .run(op.name, op.quotaBytes, Math.floor(op.nowMs / 1000))
  const id = Number(lastInsertRowid) as AccountId
  context.totals.accounts++
  for (const { name, role } of op.mailboxes) {
    insertMailbox(context, id, name, role)
    context.sql('INSERT INTO subscription (account, name) VALUES (?, ?)').run(id, name)
  }
  for (const { type, value } of op.credentials ?? []) {
    context.sql('INSERT INTO credential (account, type, value) VALUES (?, ?, ?)').run(id, type, value)
  }
  context.directoryChanged()
  return { id }
}

function accountId(context: WriteContext, name: string): AccountId {
  const row = context.sql('SELECT id FROM account WHERE name = ?').get(name)
  if (!row) throw new StoreRefusal('noSuchAccount', `There is no account ${name}`)
  return row['id'] as AccountId
}

/** The account with all its mail. Contents that others hold stay theirs. */
export function removeAccount(context: WriteContext, op: Op<'accountRemove'>): null {
  const id = accountId(context, op.name)
  removeMailboxesOf(context, id)
  for (const table of ['credential', 'subscription', 'keyword', 'threadKey', 'seen', 'removal', 'mailboxGone']) {
    context.sql(`DELETE FROM ${table} WHERE account = ?`).run(id)
  }
  context.sql('DELETE FROM account WHERE id = ?').run(id)
  context.totals.accounts--
  context.forgetAccount(id)
  context.directoryChanged()
  return null
}

export function setAccount(context: WriteContext, op: Op<'accountSet'>): null {
  const account = context.editAccount(context.account(accountId(context, op.name)))
  if (op.quotaBytes !== undefined) account.quotaBytes = op.quotaBytes
  if (op.disabled !== undefined) account.disabled = op.disabled ? 1 : 0
  if (op.disabled !== undefined) {
    context.sql('UPDATE account SET disabled = ? WHERE id = ?').run(op.disabled ? 1 : 0, account.id)
  }
  if (op.restriction !== undefined)
    context.sql('UPDATE account SET restriction = ? WHERE id = ?').run(op.restriction, account.id)
  context.directoryChanged()
  return null
}

export function setCredential(context: WriteContext, op: Op<'credentialSet'>): null {
  context.account(op.account)
  context.sql('DELETE FROM credential WHERE account = ? AND type = ? AND name = ?').run(op.account, op.type, op.name)
  if (op.value !== '') {
    context
      .sql('INSERT INTO credential (account, type, name, value) VALUES (?, ?, ?, ?)')
      .run(op.account, op.type, op.name, op.value)
  }
  context.directoryChanged()
  return null
}

export function setAlias(context: WriteContext, op: Op<'aliasSet'>): null {
  if (op.expected !== undefined) {
    const now = context.sql('SELECT targets FROM alias WHERE address = ?').get(op.address)?.['targets']
    if ((now ?? null) !== (op.expected && JSON.stringify(op.expected)))
      throw new StoreRefusal('changed', `The alias ${op.address} was changed meanwhile`)
  }
  if (op.targets.length === 0) {
    const { changes } = context.sql('DELETE FROM alias WHERE address = ?').run(op.address)
    if (Number(changes) === 0) throw new StoreRefusal('noSuchAlias', `There is no alias ${op.address}`)
  } else {
    if (!context.sql('SELECT 1 FROM domain WHERE name = ?').get(domainOf(op.address))) {
      throw new StoreRefusal('noSuchDomain', `${domainOf(op.address)} is not one of our domains: add it first`)
    }
    context
      .sql('INSERT OR REPLACE INTO alias (address, targets) VALUES (?, ?)')
      .run(op.address, JSON.stringify(op.targets))
  }
  context.directoryChanged()
  return null
}

export function setSetting(context: WriteContext, op: Op<'settingSet'>): null {
  if (op.expected !== undefined && (settingOf(context, op.name) ?? null) !== op.expected)
    throw new StoreRefusal('changed', `The setting ${op.name} was changed meanwhile`)
  context.sql('INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)').run(op.name, op.value)
  return null
}

function settingOf(context: WriteContext, name: string): string | undefined {
  return context.sql('SELECT value FROM setting WHERE name = ?').get(name)?.['value'] as string | undefined
}
