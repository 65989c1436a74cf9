/** Commands for app passwords: one for each program or device of an account, shown once, revoked one by one. */
import { randomBytes } from 'node:crypto'
import {
  appCredential,
  appNameLengthMax,
  appPasswordCreatedAtMs,
  appPasswordsMax,
  appUsedCredential,
  formatAppPassword,
} from '../directory/app-password.ts'
import { easyPassword } from '../directory/password.ts'
import { accountOf } from './control-accounts.ts'
import { command } from './control-command.ts'
import { CommandRefusal } from './provision.ts'

/** Names are shown in lists: one line, without terminal control characters. */
function checkName(name: string): void {
  if (name.trim() === '' || name.length > appNameLengthMax || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(name))
    throw new CommandRefusal(
      'nameBad',
      `The name of an app password is one line of at most ${appNameLengthMax} characters, such as "Phone"`,
    )
}

export const appPasswordCommands = {
  /** Generated, not chosen: this strength permits a fast hash. */
  appPasswordAdd: command({ account: 'text', name: 'text' }, async ({ store, clock }, args) => {
    const { id, name: account } = await accountOf(store, args.account)
    checkName(args.name)
    const there = await store.read.credentials(id, appCredential)
    if (there.some(({ name }) => name === args.name))
      throw new CommandRefusal('nameTaken', `${account} already has an app password "${args.name}": remove it first`)
    if (there.length >= appPasswordsMax)
      throw new CommandRefusal('tooMany', `${account} has ${appPasswordsMax} app passwords, which is the maximum`)
    const password = easyPassword(randomBytes(16))
    const value = formatAppPassword(password, clock.now())
    await store.commit([
      { kind: 'credentialSet', account: id, type: appUsedCredential, name: args.name, value: '' },
      { kind: 'credentialSet', account: id, type: appCredential, name: args.name, value },
    ])
    return { account, name: args.name, password }
  }),

  appPasswordRemove: command({ account: 'text', name: 'text' }, async ({ store }, args) => {
    const { id, name: account } = await accountOf(store, args.account)
    if (!(await store.read.credentials(id, appCredential)).some(({ name }) => name === args.name))
      throw new CommandRefusal('noSuchEntry', `${account} has no app password "${args.name}"`)
    await store.commit([
      { kind: 'credentialSet', account: id, type: appCredential, name: args.name, value: '' },
      { kind: 'credentialSet', account: id, type: appUsedCredential, name: args.name, value: '' },
    ])
    return { account, name: args.name }
  }),

  /** All of them: there are at most `appPasswordsMax`. `usedAtMs` is accurate to the day; null: never used. */
  appPasswordList: command({ account: 'text' }, async ({ store }, args) => {
    const { id } = await accountOf(store, args.account)
    const used = new Map(
      (await store.read.credentials(id, appUsedCredential)).map(({ name, value }) => [name, Number(value)]),
    )
    const rows = (await store.read.credentials(id, appCredential)).map(({ name, value }) => ({
      name,
      createdAtMs: appPasswordCreatedAtMs(value),
      usedAtMs: used.get(name) ?? null,
    }))
    return { rows: rows.sort((a, b) => a.createdAtMs - b.createdAtMs) }
  }),
}
