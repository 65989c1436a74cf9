/** Commands for domains, accounts, aliases and mailboxes. */
import type { AccountId } from '../mail/ids.ts'
import { canonicalAddress, expandedMax } from '../directory/aliases.ts'
import { formatMailbox, parseDomain, parseMailbox } from '../mail/address.ts'
import { restrictions, type Account, type Alias, type MailboxRow, type Restriction } from '../store/entities.ts'
import type { QueuePage, Store } from '../store/store.ts'
import { holdWaiting } from './account-guard.ts'
import { dkimRecords, makeDkimKeys } from '../delivery/signing.ts'
import { readAgain } from './read-again.ts'
import { command, pageOf, pageRowsMax } from './control-command.ts'
import { accountName, addAccount, CommandRefusal, setPassword } from './provision.ts'

function domainName(text: string): string {
  const name = parseDomain(text)
  if (name === undefined || name.startsWith('[')) {
    throw new CommandRefusal('nameBad', `"${text}" is not a domain name: write it as example.org`)
  }
  return name
}

/** The address of an alias: a full address, or `@domain` for all other addresses of a domain. */
function aliasAddress(text: string): string {
  return text.startsWith('@') ? `@${domainName(text.slice(1))}` : accountName(text)
}

/** The target of an alias: local addresses in canonical spelling, others as given. */
function aliasTarget(store: Store, text: string): string {
  const mailbox = parseMailbox(text)
  if (!mailbox) throw new CommandRefusal('nameBad', `"${text}" is not a mail address: write it as user@example.org`)
  return store.read.isLocalDomain(mailbox.domain)
    ? canonicalAddress(mailbox.localPart, mailbox.domain)
    : formatMailbox(mailbox)
}

/** Throws a CommandRefusal if there is no such account. */
export async function accountOf(store: Store, address: string): Promise<Account> {
  const name = accountName(address)
  const account = await store.read.account(name)
  if (!account)
    throw new CommandRefusal('noSuchAccount', `There is no account ${name}: "pennypost account list" lists them`)
  return account
}

/** Aliases that still name a removed account: at most this many are listed. */
const danglingMax = 20

async function aliasesTo(store: Store, name: string): Promise<string[]> {
  const found: string[] = []
  for (let after = ''; found.length < danglingMax;) {
    const page = await store.read.aliases(after, pageRowsMax)
    found.push(...page.filter(({ targets }) => targets.includes(name)).map(({ address }) => address))
    if (page.length < pageRowsMax) break
    after = page[page.length - 1]!.address
  }
  return found.slice(0, danglingMax)
}

export interface AliasChange {
  readonly address: string
  readonly targets: readonly string[]
}

async function addTargets(store: Store, args: AliasChange): Promise<AliasChange> {
  const address = aliasAddress(args.address)
  if (args.targets.length === 0)
    throw new CommandRefusal(
      'badArguments',
      'An alias needs at least one target: name the addresses that it forwards to',
    )
  const before = (await store.read.alias(address))?.targets
  const targets = [...new Set([...(before ?? []), ...args.targets.map((target) => aliasTarget(store, target))])]
  const keepsCopy = targets.includes(address)
  if (await store.read.account(address)) {
    if (!keepsCopy)
      throw new CommandRefusal(
        'nameTaken',
        `There is an account ${address}, and an alias of the same name would forward all its mail away. To keep a copy in the account, name ${address} among the targets`,
      )
  } else if (keepsCopy)
    throw new CommandRefusal(
      'noSuchAccount',
      `There is no account ${address} to keep a copy: leave it out of the targets`,
    )
  if (targets.length > expandedMax)
    throw new CommandRefusal(
      'tooMany',
      `An alias forwards to at most ${expandedMax} addresses: let it forward to other aliases, or use a mailing list`,
    )
  await store.commit([{ kind: 'aliasSet', address, targets, expected: before ?? null }])
  return { address, targets }
}

async function removeTargets(store: Store, args: AliasChange): Promise<AliasChange> {
  const address = aliasAddress(args.address)
  const before = (await store.read.alias(address))?.targets
  if (!before)
    throw new CommandRefusal('noSuchAlias', `There is no alias ${address}: "pennypost alias list" lists them`)
  const going = new Set(args.targets.map((target) => aliasTarget(store, target)))
  for (const target of going) {
    if (!before.includes(target))
      throw new CommandRefusal(
        'noSuchAlias',
        `${address} does not forward to ${target}: it forwards to ${before.join(', ')}`,
      )
  }
  const left = going.size === 0 ? [] : before.filter((target) => !going.has(target))
  if (left.length > 0 && going.has(address) && (await store.read.account(address)))
    throw new CommandRefusal(
      'nameTaken',
      `The account ${address} would no longer get any mail: remove the other targets, or the whole alias`,
    )
  // An alias that forwards only to its own account is no alias.
  const targets = left.length === 1 && left[0] === address ? [] : left
  await store.commit([{ kind: 'aliasSet', address, targets, expected: before }])
  return { address, targets }
}

export const accountCommands = {
  domainAdd: command({ name: 'text' }, async ({ store, clock }, args) => {
    const name = domainName(args.name)
    const added = !store.read.isLocalDomain(name)
    await store.commit([{ kind: 'domainAdd', name }])
    await makeDkimKeys(store, name, clock.now())
    return { name, added }
  }),

  /** The DNS records of a domain's signing keys; with `rotate`, of new keys that sign from now on. */
  domainKeys: command({ name: 'text', rotate: 'flag?' }, async ({ store, clock }, args) => {
    const name = domainName(args.name)
    if (!store.read.isLocalDomain(name))
      throw new CommandRefusal(
        'noSuchDomain',
        `${name} is not one of our domains: add it with "pennypost domain add ${name}"`,
      )
    await makeDkimKeys(store, name, clock.now(), args.rotate === true)
    return { name, keys: await dkimRecords(store.read, name) }
  }),

  domainRemove: command({ name: 'text' }, async ({ store }, args) => {
    const name = domainName(args.name)
    await store.commit([{ kind: 'domainRemove', name }])
    return { name }
  }),

  domainList: command({ after: 'text?' }, ({ store }, { after = '' }) => {
    const rows = store.read.domains().filter((name) => name > after)
    return pageOf(
      rows.slice(0, pageRowsMax).map((name) => ({ name })),
      ({ name }) => name,
    )
  }),

  accountAdd: command({ name: 'text', password: 'text', quotaBytes: 'count?' }, ({ store, clock }, args) =>
    addAccount(store, args.name, args.password, { nowMs: clock.now(), quotaBytes: args.quotaBytes }),
  ),

  /** Removes all its mail too; returns the aliases that still forward to it. */
  accountRemove: command({ name: 'text' }, async ({ store }, args) => {
    const { name } = await accountOf(store, args.name)
    await store.commit([{ kind: 'accountRemove', name }])
    return { name, aliases: await aliasesTo(store, name) }
  }),

  accountPassword: command({ name: 'text', password: 'text' }, async ({ store }, args) => {
    await setPassword(store, args.name, args.password)
    return { name: accountName(args.name) }
  }),

  accountSet: command({ name: 'text', quotaBytes: 'count?', disabled: 'flag?' }, async ({ store }, args) => {
    const { name } = await accountOf(store, args.name)
    await store.commit([{ kind: 'accountSet', name, quotaBytes: args.quotaBytes, disabled: args.disabled }])
    return { name }
  }),

  /** `locked`: no sign-in, nothing sent, mail still comes in; `none` removes that, and a hold. */
  accountRestrict: command(
    { name: 'text', restriction: 'text' },
    async (
      { store, clock, forgetWatched },
      args,
    ): Promise<{ name: string; restriction: Restriction; held: number }> => {
      const { id, name } = await accountOf(store, args.name)
      const restriction = restrictions.find((one) => one === args.restriction)
      if (restriction === undefined)
        throw new CommandRefusal(
          'badArguments',
          `Unknown restriction "${args.restriction}": use ${restrictions.join(', ')}`,
        )
      await store.commit([{ kind: 'accountSet', name, restriction }])
      if (restriction === 'none') forgetWatched?.(id)
      else await holdWaiting(store, id, clock.now())
      return { name, restriction, held: await heldOf(store, id) }
    },
  ),

  accountShow: command({ name: 'text' }, ({ store }, args) => accountOf(store, args.name)),

  accountList: command({ after: 'text?' }, async ({ store }, { after = '' }) =>
    pageOf<Account, string>(await store.read.accounts(after, pageRowsMax), ({ name }) => name),
  ),

  /** Adds targets to an alias, which is created if missing. */
  aliasAdd: command({ address: 'text', targets: 'texts' }, ({ store }, args) =>
    readAgain(() => addTargets(store, args)),
  ),

  /** Removes targets of an alias; without targets, or with the last one, removes the alias. */
  aliasRemove: command({ address: 'text', targets: 'texts' }, ({ store }, args) =>
    readAgain(() => removeTargets(store, args)),
  ),

  aliasList: command({ after: 'text?' }, async ({ store }, { after = '' }) =>
    pageOf<Alias, string>(await store.read.aliases(after, pageRowsMax), ({ address }) => address),
  ),

  mailboxList: command({ account: 'text', after: 'text?' }, async ({ store }, { account, after = '' }) => {
    const rows = (await store.read.mailboxes((await accountOf(store, account)).id)).filter(({ name }) => name > after)
    return pageOf<MailboxRow, string>(rows.slice(0, pageRowsMax), ({ name }) => name)
  }),
}

/** Counts the held recipients of the account's mail. */
async function heldOf(store: Store, submitter: AccountId): Promise<number> {
  let held = 0
  for (let after: number | undefined = 0; after !== undefined;) {
    const page: QueuePage = await store.read.queueWhere({ submitter, state: 'held' }, after, pageRowsMax)
    held += page.rows.length
    after = page.next
  }
  return held
}
