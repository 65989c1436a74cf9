/** What changed in an account since when, of the reference engine: for nodes that missed news, and for JMAP. */
import type { AccountId, ModSeq } from '../../mail/ids.ts'
import type { Change } from '../changes.ts'
import { emailsMax, type EmailChange, type EmailPosition, type EmailReads, type EmailRow } from '../emails.ts'
import { joinedRanges } from '../joined-ranges.ts'
import { flagsOfAll, type EmailEntry, type MessageEntry, type Removal, type State } from './state.ts'

export async function* changes(
  state: State,
  account: AccountId,
  after: ModSeq,
): AsyncGenerator<readonly Change[], void> {
  const entry = state.directory.accounts.get(account)
  if (!entry) return
  const { modSeq, forgottenModSeq } = entry
  const since = Math.max(after, forgottenModSeq) as ModSeq
  const isNew = (one: { readonly modSeq: ModSeq }): boolean => one.modSeq > since
  const all: Change[] = [
    { kind: 'account', account, after: since, modSeq },
    { kind: 'mailboxes', account },
  ]
  const names = state.flagNames(account)
  for (let bit = flagsOfAll.length; bit < names.length; bit++)
    all.push({ kind: 'flagName', account, bit, name: names[bit]! })
  for (const { mailbox } of (state.mail.gone.get(account) ?? []).filter(isNew))
    all.push({ kind: 'mailboxGone', account, mailbox })
  for (const { id: mailbox } of state.mailboxesOf(account)) {
    const messages = state.messages(mailbox).filter(isNew)
    if (messages.length > 0)
      all.push({
        kind: 'messages',
        account,
        mailbox,
        uids: messages.map(({ uid }) => uid),
        flagsLow: messages.map(({ low }) => low),
        flagsHigh: messages.map(({ high }) => high),
        modSeqs: messages.map((message) => message.modSeq),
      })
    const expunged = (state.mail.expunged.get(mailbox) ?? []).filter(isNew).sort((a, b) => a.first - b.first)
    if (expunged.length > 0) {
      const uids = joinedRanges(expunged.map(({ first, last }) => [first, last]))
      const last = Math.max(...expunged.map((one) => one.modSeq)) as ModSeq
      all.push({ kind: 'expunged', account, mailbox, modSeq: last, uids })
    }
  }
  yield all
}

/** Held by a message. */
function emailOf(state: State, account: AccountId, id: number): EmailEntry | undefined {
  const email = state.mail.emails.get(id)
  return email?.account === account && email.refs > 0 ? email : undefined
}

function emailRow(state: State, { id, account, thread, dateMs, offsetMinutes, sizeBytes, createdModSeq }: EmailEntry) {
  const messages = state
    .mailboxesOf(account)
    .sort((a, b) => a.id - b.id)
    .flatMap((mailbox) =>
      state
        .messages(mailbox.id)
        .filter(({ email }) => email === id)
        .map(({ uid, modSeq, low, high }) => ({ mailbox: mailbox.id, uid, modSeq, flagsLow: low, flagsHigh: high })),
    )
  const internalDate = { epochMs: dateMs, offsetMinutes }
  return { emailId: id, threadId: thread, internalDate, sizeBytes, createdModSeq, messages } satisfies EmailRow
}

type Event = Pick<EmailEntry, 'id' | 'thread' | 'createdModSeq'> & { readonly modSeq: ModSeq }

/** Whatever happened to emails of an account, in no order. */
function eventsOf(state: State, account: AccountId): Event[] {
  const ofMessage = ({ email, modSeq }: MessageEntry): Event => ({ ...state.mail.emails.get(email)!, modSeq })
  const ofRemoval = ({ email: id, thread, createdModSeq, modSeq }: Removal): Event => {
    return { id, thread, createdModSeq, modSeq }
  }
  return [
    ...state.mailboxesOf(account).flatMap(({ id }) => state.messages(id).map(ofMessage)),
    ...(state.mail.removals.get(account) ?? []).map(ofRemoval),
  ]
}

export function emailReads(state: State): EmailReads {
  const knownSince = (account: AccountId, modSeq: ModSeq): boolean =>
    modSeq >= (state.directory.accounts.get(account)?.forgottenModSeq ?? 0)
  return {
    emails: async (account, ids) =>
      ids.slice(0, emailsMax).flatMap((id) => {
        const email = emailOf(state, account, id)
        return email ? [emailRow(state, email)] : []
      }),
    threads: async (account, ids) =>
      ids.slice(0, emailsMax).flatMap((threadId) => {
        const emailIds = state.mail.emails
          .all()
          .filter((email) => email.thread === threadId && emailOf(state, account, email.id))
          .sort((a, b) => a.dateMs - b.dateMs || a.id - b.id)
          .map(({ id }) => id)
        return emailIds.length > 0 ? [{ threadId, emailIds }] : []
      }),
    async emailChanges(account, after, limit) {
      if (!knownSince(account, after.modSeq)) return undefined
      const isBehind = (modSeq: ModSeq, id: number): boolean =>
        modSeq > after.modSeq || (modSeq === after.modSeq && after.emailId !== undefined && id > after.emailId)
      const found = new Map<number, { readonly change: EmailChange; readonly modSeq: ModSeq }>()
      for (const { id, thread, createdModSeq, modSeq } of eventsOf(state, account)) {
        if (!isBehind(modSeq, id)) continue
        const isCreated = isBehind(createdModSeq, id)
        const kind = !emailOf(state, account, id) ? 'destroyed' : isCreated ? 'created' : 'updated'
        if (kind === 'destroyed' && isCreated) continue
        const change: EmailChange = { kind, emailId: id, threadId: thread }
        // Told at its creation, or else it would be an update of what the client does not know.
        const position = isCreated ? createdModSeq : Math.max(modSeq, found.get(id)?.modSeq ?? 0)
        found.set(id, { change, modSeq: position as ModSeq })
      }
      const all = [...found.values()].sort((a, b) => a.modSeq - b.modSeq || a.change.emailId - b.change.emailId)
      const emails = all.slice(0, limit).map(({ change }) => change)
      if (all.length <= limit) return { emails, to: { modSeq: state.account(account).modSeq }, more: false }
      const { modSeq, change } = all[limit - 1]!
      const to: EmailPosition = { modSeq, emailId: change.emailId }
      return { emails, to, more: true }
    },
    async mailboxesGone(account, after) {
      if (!knownSince(account, after)) return undefined
      return (state.mail.gone.get(account) ?? [])
        .filter(({ modSeq, createdModSeq }) => createdModSeq <= after && after < modSeq)
        .map(({ mailbox }) => mailbox)
    },
  }
}
