/** Creates accounts: mailboxes by role, credentials, and the required addresses of a domain. */
import type { AccountId } from '../mail/ids.ts'
import type { MailboxRole } from '../mail/special-use.ts'
import { readAgain } from './read-again.ts'
import { canonicalAddress } from '../directory/aliases.ts'
import { hashPassword, passwordBytesMax, passwordLengthMin } from '../directory/password.ts'
import { scramKeys } from '../directory/scram-keys.ts'
import { parseMailbox } from '../mail/address.ts'
import type { Store } from '../store/store.ts'
import { wantsScramSha1 } from './auth-settings.ts'

/** A command that is refused, with a sentence for the user. */
export class CommandRefusal extends Error {
  readonly code: string
  constructor(code: string, text: string) {
    super(text)
    this.name = 'CommandRefusal'
    this.code = code
  }
}

/** The usual names, which clients create themselves if missing; by their roles (RFC 6154) clients find ours. */
export const firstMailboxes: readonly { readonly name: string; readonly role: MailboxRole }[] = [
  { name: 'INBOX', role: 'inbox' },
  { name: 'Drafts', role: 'drafts' },
  { name: 'Sent', role: 'sent' },
  { name: 'Junk', role: 'junk' },
  { name: 'Trash', role: 'trash' },
  { name: 'Archive', role: 'archive' },
]

/** Required of every domain: RFC 5321 §4.5.1, RFC 2142 §2. */
const dutyNames = ['postmaster', 'abuse']

/** Canonical `user@domain`, as accounts and aliases are stored. */
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
 * The credentials of a password: a hash to check it, and SCRAM keys for clients that never send it. An empty value deletes:
 * keys of the previous password must not outlive it.
 */
async function passwordCredentials(
  store: Store,
  password: string,
): Promise<readonly { readonly type: string; readonly value: string }[]> {
  checkNewPassword(password)
  const [hash, keys, oldKeys] = await Promise.all([
    hashPassword(password),
    scramKeys(password),
    (await wantsScramSha1(store)) ? scramKeys(password, 'sha-1') : '',
  ])
  return [
    { type: 'argon2id', value: hash },
    { type: 'scram-sha-256', value: keys },
    { type: 'scram-sha-1', value: oldKeys },
  ]
}

export interface AddedAccount {
  readonly id: AccountId
  /** In canonical spelling. */
  readonly name: string
  /** Addresses of the domain that were unused and now forward here. */
  readonly aliases: readonly string[]
}

/**
 * Creates an account with mailboxes and password in one commit; the first of a domain also gets postmaster@ and abuse@.
 */
export function addAccount(...given: Parameters<typeof addAccountOnce>): Promise<AddedAccount> {
  return readAgain(() => addAccountOnce(...given))
}

async function addAccountOnce(
  store: Store,
  address: string,
  password: string,
  options: { readonly nowMs: number; readonly quotaBytes?: number },
): Promise<AddedAccount> {
  const name = accountName(address)
  const taken = await store.read.alias(name)
  if (taken && !taken.targets.includes(name))
    throw new CommandRefusal(
      'nameTaken',
      `There is an alias ${name}, which would take all mail of an account of that name: remove it first with "pennypost alias remove ${name}"`,
    )
  const credentials = (await passwordCredentials(store, password)).filter(({ value }) => value !== '')
  const domain = name.slice(name.lastIndexOf('@') + 1)
  const aliases: string[] = []
  for (const duty of dutyNames.map((one) => `${one}@${domain}`))
    if (duty !== name && !(await store.read.alias(duty)) && !(await store.read.account(duty))) aliases.push(duty)
  const { quotaBytes = 0, nowMs } = options
  const [{ id }] = await store.commit([
    { kind: 'accountAdd', name, quotaBytes, mailboxes: firstMailboxes, credentials, nowMs },
    ...aliases.map((address) => ({ kind: 'aliasSet', address, targets: [name], expected: null }) as const),
  ])
  return { id, name, aliases }
}

/**
 * Creates the account of a user of the external directory: the usual mailboxes, no password of its own. @returns its
 * id.
 * It gets no postmaster@ and abuse@ of a new domain: which user signs in first is a matter of chance.
 */
export async function addResident(store: Store, name: string, quotaBytes: number, nowMs: number): Promise<AccountId> {
  const [{ id }] = await store.commit([{ kind: 'accountAdd', name, quotaBytes, mailboxes: firstMailboxes, nowMs }])
  return id
}

/**
 * Replaces the password at once, for new logins; open connections are not closed here. App passwords stay: each is
 * revoked by itself.
 */
export async function setPassword(store: Store, address: string, password: string): Promise<void> {
  const name = accountName(address)
  const account = await store.read.account(name)
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
