/** What a start shows a person at a terminal: lines that can be typed as they stand. */
import type { StoreReads } from '../store/store.ts'
import type { System } from '../system/types.ts'

/** Accounts that are looked at for one that can be tried. */
const tryAccountsMax = 100

type Reads = Pick<StoreReads, 'accounts' | 'domains'>

/** How a person finds out whether it works. */
export async function tryLines({
  listening,
  firstAccount,
  store,
}: Pick<System, 'listening' | 'firstAccount'> & { readonly store: { readonly read: Reads } }): Promise<string> {
  const lines = ['', 'Pennypost is running. Ctrl-C stops it.']
  const user =
    firstAccount?.name ?? (await store.read.accounts('', tryAccountsMax)).find(({ disabled }) => !disabled)?.name
  if (user === undefined) {
    const domain = store.read.domains()[0] ?? 'your.domain'
    return `${lines.join('\n')}\n  There is no account yet: pennypost account add you@${domain}\n\n`
  }
  const at = (service: string): string | undefined => {
    const found = listening.find((one) => one.service === service)
    return found && `${found.address}:${found.port}`
  }
  const smtp = at('smtp')
  if (smtp) lines.push(`  send to it:   swaks --server ${smtp} --to ${user} --from someone@example.com`)
  const submission = at('submission')
  if (submission)
    lines.push(`  send through: swaks --server ${submission} --tls --auth-user ${user} --from ${user} --to ${user}`)
  const imap = at('imaps')
  if (imap) lines.push(`  read:         IMAP at ${imap} with SSL/TLS, user ${user}`)
  const plain = at('imap')
  if (plain) lines.push(`                or at ${plain} with STARTTLS`)
  if (!firstAccount) lines.push(`  forgotten?    pennypost account password ${user} sets a new password`)
  return `${lines.join('\n')}\n\n`
}
