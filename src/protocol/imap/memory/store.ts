/** The mailboxes of one account in memory. */
import type { ModSeq } from '../../../mail/ids.ts'
import { flagsMax, flagWordBits, systemFlags, wellKnownKeywords } from '../../../mail/flags.ts'
import { ImapRefusal } from '../backend.ts'
import type { ImapCode } from '../backend.ts'
import { MemoryMailbox } from './mailbox.ts'

/** An account's mailboxes: LIST walks them all. */
const mailboxesMax = 5000

export class MemoryStore {
  readonly mailboxes = new Map<string, MemoryMailbox>()
  readonly subscriptions = new Set<string>()
  readonly flagNames: string[] = [...systemFlags, ...wellKnownKeywords]
  #modSeq = 1
  #uidValidity = 1

  constructor() {
    this.create('INBOX')
    for (const use of ['Archive', 'Drafts', 'Junk', 'Sent', 'Trash']) this.create(use, `\\${use}`)
  }

  nextModSeq(): ModSeq {
    return ++this.#modSeq as ModSeq
  }

  create(name: string, specialUse?: string): MemoryMailbox {
    if (this.mailboxes.has(name)) throw new ImapRefusal('ALREADYEXISTS', 'Mailbox already exists')
    if (specialUse && [...this.mailboxes.values()].some((one) => one.specialUse === specialUse))
      throw new ImapRefusal('USEATTR', `Another mailbox is ${specialUse}`)
    const levels = name.split('/')
    for (let depth = 1; depth < levels.length; depth++) {
      const parent = levels.slice(0, depth).join('/')
      if (!this.mailboxes.has(parent)) this.#make(parent, undefined)
    }
    return this.#make(name, specialUse)
  }

  #make(name: string, specialUse: string | undefined): MemoryMailbox {
    if (this.mailboxes.size >= mailboxesMax) throw new ImapRefusal('LIMIT', 'Too many mailboxes')
    const mailbox = new MemoryMailbox(name, `M${this.#uidValidity}`, this.#uidValidity++, specialUse)
    this.mailboxes.set(name, mailbox)
    return mailbox
  }

  existing(name: string, code: ImapCode = 'NONEXISTENT'): MemoryMailbox {
    const mailbox = this.mailboxes.get(name)
    if (!mailbox) throw new ImapRefusal(code, 'Mailbox does not exist')
    return mailbox
  }

  bitOf(flag: string): number {
    const lower = flag.toLowerCase()
    return this.flagNames.findIndex((name) => name.toLowerCase() === lower)
  }

  keywordsOpen(): boolean {
    return this.flagNames.length < flagsMax
  }

  /** New keywords get the next bits. */
  bitsOf(flags: readonly string[]): { low: number; high: number } {
    let low = 0
    let high = 0
    for (const flag of flags) {
      let bit = this.bitOf(flag)
      if (bit < 0) {
        if (!this.keywordsOpen()) throw new ImapRefusal('LIMIT', 'Too many keywords')
        bit = this.flagNames.push(flag) - 1
      }
      if (bit < flagWordBits) low |= 1 << bit
      else high |= 1 << (bit - flagWordBits)
    }
    return { low, high }
  }
}
