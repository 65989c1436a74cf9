/** What a mailbox is for, as the store names it, and the attributes of IMAP for it. RFC 6154 §2. */

export type MailboxRole = 'inbox' | 'drafts' | 'sent' | 'trash' | 'junk' | 'archive' | 'all' | 'flagged' | 'important'

/** INBOX has no attribute. */
export const specialUses = {
  drafts: '\\Drafts',
  sent: '\\Sent',
  trash: '\\Trash',
  junk: '\\Junk',
  archive: '\\Archive',
  all: '\\All',
  flagged: '\\Flagged',
  important: '\\Important',
} as const satisfies Partial<Record<MailboxRole, string>>

/** Roles that have an attribute. */
export const specialRoles = Object.keys(specialUses) as (keyof typeof specialUses)[]

/** @param attribute in any case, with its backslash. */
export function roleOfUse(attribute: string): keyof typeof specialUses | undefined {
  return specialRoles.find((role) => specialUses[role].toLowerCase() === attribute.toLowerCase())
}
