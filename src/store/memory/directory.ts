/** Domains, accounts, credentials, aliases and settings of the reference engine. */
import type { AccountId, ModSeq } from '../../mail/ids.ts'
import type { Operation, ResultOf } from '../operations.ts'
import { StoreRefusal } from '../store.ts'
import { insertMailbox, removeMailbox } from './mailboxes.ts'
import type { AccountEntry, State } from './state.ts'

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1)
}

function accountOf(state: State, name: string): AccountEntry | undefined {
  return state.directory.accounts.all().find((account) => account.name === name)
}

function existing(state: State, name: string): AccountEntry {
  const account = accountOf(state, name)
  if (!account) throw new StoreRefusal('noSuchAccount', `There is no account ${name}`)
  return account
}

function checkDomain(state: State, address: string): void {
  const domain = domainOf(address)
  if (state.directory.domains.get(domain) === undefined)
    throw new StoreRefusal('noSuchDomain', `${domain} is not one of our domains: add it first`)
}

export function addDomain(state: State, { name }: Op<'domainAdd'>): null {
  state.directory.domains.set(name, name)
  state.directoryChanged({ name, isLocal: true })
  return null
}

export function removeDomain(state: State, { name }: Op<'domainRemove'>): null {
  const held = state.directory.accounts.all().find((account) => domainOf(account.name) === name)
  if (held) throw new StoreRefusal('notAllowed', `The domain still has accounts (${held.name}): remove them first`)
  if (!state.directory.domains.delete(name)) throw new StoreRefusal('noSuchDomain', `${name} is not one of our domains`)
  for (const address of state.directory.aliases.keys())
    if (domainOf(address) === name) state.directory.aliases.delete(address)
  state.directoryChanged({ name, isLocal: false })
  return null
}

export function addAccount(state: State, op: Op<'accountAdd'>): ResultOf<Op<'accountAdd'>> {
  const { name, quotaBytes, nowMs } = op
  checkDomain(state, name)
  if (accountOf(state, name)) throw new StoreRefusal('nameTaken', `There is an account ${name}`)
  const id = state.next('account') as AccountId
  state.directory.accounts.set(id, {
    id,
    name,
    disabled: false,
    restriction: 'none',
    quotaBytes,
    usedBytes: 0,
    usedMessages: 0,
    modSeq: 1 as ModSeq,
    forgottenModSeq: 0 as ModSeq,
    // An account made anew under an old name has larger ones. RFC 9051 §2.3.1.1.
    uidValidity: Math.floor(nowMs / 1000),
  })
  for (const mailbox of op.mailboxes) insertMailbox(state, id, mailbox.name, mailbox.role)
  state.mail.subscriptions.set(id, [...new Set(op.mailboxes.map((mailbox) => mailbox.name))])
  for (const { type, value } of op.credentials ?? []) insertCredential(state, id, type, '', value)
  state.directoryChanged()
  return { id }
}

function insertCredential(state: State, account: AccountId, type: string, name: string, value: string): void {
  const id = state.next('credential')
  state.directory.credentials.set(id, { id, account, type, name, value })
}

/** The account with all its mail. Contents that others hold stay theirs. */
export function removeAccount(state: State, op: Op<'accountRemove'>): null {
  const { id } = existing(state, op.name)
  for (const mailbox of state.mailboxesOf(id)) removeMailbox(state, mailbox, 0)
  for (const credential of state.directory.credentials.all())
    if (credential.account === id) state.directory.credentials.delete(credential.id)
  state.mail.subscriptions.delete(id)
  state.mail.flagNames.delete(id)
  state.mail.gone.delete(id)
  state.mail.removals.delete(id)
  for (const key of state.mail.threads.keys()) if (key.startsWith(`${id} `)) state.mail.threads.delete(key)
  state.directory.accounts.delete(id)
  state.directoryChanged()
  return null
}

export function setAccount(state: State, { name, disabled, quotaBytes, restriction }: Op<'accountSet'>): null {
  const { id } = existing(state, name)
  if (quotaBytes !== undefined) state.editAccount(id, { quotaBytes })
  if (disabled !== undefined) state.editAccount(id, { disabled })
  if (restriction !== undefined) state.editAccount(id, { restriction })
  state.directoryChanged()
  return null
}

export function setCredential(state: State, { account, type, name, value }: Op<'credentialSet'>): null {
  state.account(account)
  for (const old of state.directory.credentials.all())
    if (old.account === account && old.type === type && old.name === name) state.directory.credentials.delete(old.id)
  if (value !== '') insertCredential(state, account, type, name, value)
  state.directoryChanged()
  return null
}

export function setAlias(state: State, { address, targets, expected }: Op<'aliasSet'>): null {
  const { aliases } = state.directory
  if (expected !== undefined && JSON.stringify(aliases.get(address) ?? null) !== JSON.stringify(expected))
    throw new StoreRefusal('changed', `The alias ${address} was changed meanwhile`)
  if (targets.length > 0) {
    checkDomain(state, address)
    aliases.set(address, targets)
  } else if (!aliases.delete(address)) throw new StoreRefusal('noSuchAlias', `There is no alias ${address}`)
  state.directoryChanged()
  return null
}

export function setSetting(state: State, { name, value, expected }: Op<'settingSet'>): null {
  if (expected !== undefined && (state.directory.settings.get(name) ?? null) !== expected)
    throw new StoreRefusal('changed', `The setting ${name} was changed meanwhile`)
  state.directory.settings.set(name, value)
  return null
}
