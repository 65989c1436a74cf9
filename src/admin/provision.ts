/** New accounts as everybody gets them: mailboxes by role, credentials, and the addresses that every domain must answer. */
import type { MailboxRole } from '../mail/special-use.ts'
import { canonicalAddress } from '../directory/aliases.ts'
import { hashPassword, passwordBytesMax, passwordLengthMin } from '../directory/password.ts'
import { scramKeys } from '../directory/scram-keys.ts'
import { parseMailbox } from '../mail/address.ts'
import type { Store } from '../store/store.ts'
import { wantsScramSha1 } from './auth-settings.ts'

/** What cannot be done as asked: a sentence for whoever asked. */
export class CommandRefusal extends Error {
  readonly code: string
  constructor(code: string, text: string) {
    super(text)
    this.name = 'CommandRefusal'
    this.code = code
  }
}

/** The names that clients make by themselves where a server has none; with their roles (RFC 6154) they use ours. */
export const firstMailboxes: readonly { readonly name: string; readonly role: MailboxRole }[] = [
  { name: 'INBOX', role: 'inbox' },
  { name: 'Drafts', role: 'drafts' },
  { name: 'Sent', role: 'sent' },
  { name: 'Junk', role: 'junk' },
  { name: 'Trash', role: 'trash' },
  { name: 'Archive', role: 'archive' },
]

/** Every domain answers these: RFC 5321 §4.5.1, RFC 2142 §2. */
const dutyNames = ['postmaster', 'abuse']

/** `user@domain` in the spelling that accounts and aliases are kept under. */
export function accountName(address: string): string {
  const mailbox = parseMailbox(address)
  if (!mailbox || mailbox.domain.startsWith('[')) {
    throw new CommandRefusal('nameBad', `"${address}" is not a mail address: write it as user@example.org`)
  }
  return canonicalAddress(mailbox.localPart, mailbox.domain)
}

export function checkNewPassword(password: string): void {
  if ([...password].length < passwordLengthMin) {
    throw new CommandRefusal('passwordBad', `The password is too short: take at least ${passwordLengthMin} characters`)
  }
  if (Buffer.byteLength(password) > passwordBytesMax) {
    throw new CommandRefusal('passwordBad', `The password is too long: take at most ${passwordBytesMax} bytes`)
  }
}

/**
 * What is kept of a password: one hash to check it, and keys for clients that never send it. An empty value is one that is not kept:
 * keys of the password before must not outlive it.
 */
async function passwordCredentials(
  store: Store,
  password: string,
): Promise<readonly { readonly type: string; readonly value: string }[]> {
  checkNewPassword(password)
  const [hash, keys, oldKeys] = await Promise.all([
    hashPassword(password),
    scramKeys(password),
    wantsScramSha1(store) ? scramKeys(password, 'sha-1') : '',
  ])
  return [
    { type: 'argon2id', value: hash },
    { type: 'scram-sha-256', value: keys },
    { type: 'scram-sha-1', value: oldKeys },
  ]
}

export interface AddedAccount {
  readonly id: number
  /** In the spelling that it is kept under. */
  readonly name: string
  /** Addresses of the domain that nobody had and that now lead here. */
  readonly aliases: readonly string[]
}

/** Makes an account with its mailboxes and password in one commit; the first of a domain also gets postmaster@ and abuse@. */
export async function addAccount(
  store: Store,
  address: string,
  password: string,
  options: { readonly nowMs: number; readonly quotaBytes?: number },
): Promise<AddedAccount> {
  const name = accountName(address)
  const taken = store.read.alias(name)
  if (taken && !taken.targets.includes(name))
    throw new CommandRefusal(
      'nameTaken',
      `There is an alias ${name}, which would take all mail of an account of that name: remove it first with "pennypost alias remove ${name}"`,
    )
  const credentials = (await passwordCredentials(store, password)).filter(({ value }) => value !== '')
  const domain = name.slice(name.lastIndexOf('@') + 1)
  const aliases = dutyNames
    .map((duty) => `${duty}@${domain}`)
    .filter((duty) => !store.read.alias(duty) && !store.read.account(duty) && duty !== name)
  const { quotaBytes = 0, nowMs } = options
  const [{ id }] = await store.commit([
    { kind: 'accountAdd', name, quotaBytes, mailboxes: firstMailboxes, credentials, nowMs },
    ...aliases.map((address) => ({ kind: 'aliasSet', address, targets: [name] }) as const),
  ])
  return { id, name, aliases }
}

/**
 * Makes the account of somebody whom a directory vouches for: mailboxes as everybody's, no password of its own. @returns its id.
 * The duties of a new domain are nobody's yet: who comes first is a matter of chance.
 */
export async function addResident(store: Store, name: string, quotaBytes: number, nowMs: number): Promise<number> {
  const [{ id }] = await store.commit([{ kind: 'accountAdd', name, quotaBytes, mailboxes: firstMailboxes, nowMs }])
  return id
}

/** The old password ends at once: sessions stay, new logins need this one. App passwords stay too: each is revoked by itself. */
export async function setPassword(store: Store, address: string, password: string): Promise<void> {
  const name = accountName(address)
  const account = store.read.account(name)
  if (!account) throw new CommandRefusal('noSuchAccount', `There is no account ${name}`)
  const credentials = await passwordCredentials(store, password)
  await store.commit(
    credentials.map(({ type, value }) => ({
      kind: 'credentialSet' as const,
      account: account.id,
      type,
      name: '',
      value,
    })),
  )
}
