/** Addresses as others are to see them: canonical ones for old or internal ones, domains for the hosts in them; and who gets a copy. */
import type { Live } from '../../base/live.ts'
import { formatMailbox, parseMailbox } from '../../mail/address.ts'
import type { Mailbox, ReversePath } from '../../mail/envelope.ts'
import type { AddressMap, RewriteOptions } from './options.ts'

type Side = 'sender' | 'recipient'

export class Rewriter {
  readonly #options: Live<RewriteOptions>
  readonly #delimiter: () => string

  /** @param delimiter what parts user from detail; '' for none. */
  constructor(options: Live<RewriteOptions>, delimiter: () => string) {
    this.#options = options
    this.#delimiter = delimiter
  }

  /** Whether anything in a header could change. */
  get changesHeaders(): boolean {
    const { canonical, senderCanonical, recipientCanonical, masqueradeDomains } = this.#options.now
    return canonical.size + senderCanonical.size + recipientCanonical.size + masqueradeDomains.length > 0
  }

  /** The reverse-path of a message of ours. */
  sender(path: ReversePath): ReversePath {
    return path && this.#masqueraded(this.#canonical(path, 'sender'))
  }

  /** A recipient, of whomever's message. Hosts in it are where it is to go, and stay. */
  recipient(mailbox: Mailbox): Mailbox {
    return this.#canonical(mailbox, 'recipient')
  }

  /** An address in the header of a message of ours. */
  inHeader(mailbox: Mailbox, side: Side): Mailbox {
    return this.#masqueraded(this.#canonical(mailbox, side))
  }

  /** Who gets a copy, each once, and none that is a recipient already. */
  copies(sender: ReversePath, recipients: readonly Mailbox[]): Mailbox[] {
    const { alwaysBcc, senderBcc, recipientBcc } = this.#options.now
    if (alwaysBcc.length + senderBcc.size + recipientBcc.size === 0) return []
    const delimiter = this.#delimiter()
    const wanted = [...alwaysBcc]
    const also = (map: AddressMap, mailbox: Mailbox): void => {
      const found = mapped(map, mailbox, delimiter)
      if (found) wanted.push(formatMailbox(found))
    }
    if (sender) also(senderBcc, sender)
    for (const recipient of recipients) also(recipientBcc, recipient)
    const have = new Set(recipients.map((mailbox) => formatMailbox(mailbox).toLowerCase()))
    return wanted.flatMap((address) => {
      const mailbox = parseMailbox(address)
      if (!mailbox || have.has(address.toLowerCase())) return []
      have.add(address.toLowerCase())
      return [mailbox]
    })
  }

  #canonical(mailbox: Mailbox, side: Side): Mailbox {
    const { canonical, senderCanonical, recipientCanonical } = this.#options.now
    const delimiter = this.#delimiter()
    const own = side === 'sender' ? senderCanonical : recipientCanonical
    const first = mapped(own, mailbox, delimiter) ?? mailbox
    return mapped(canonical, first, delimiter) ?? first
  }

  #masqueraded(mailbox: Mailbox): Mailbox {
    const { masqueradeDomains, masqueradeExceptUsers, masqueradeExceptDomains } = this.#options.now
    const { localPart, domain } = mailbox
    const outer = masqueradeDomains.find((one) => domain.endsWith(`.${one}`))
    if (outer === undefined || masqueradeExceptUsers.includes(localPart.toLowerCase())) return mailbox
    if (masqueradeExceptDomains.some((one) => domain === one || domain.endsWith(`.${one}`))) return mailbox
    return { localPart, domain: outer }
  }
}

/** Once, and not again with what was found: so no map runs in a circle. */
function mapped(map: AddressMap, { localPart, domain }: Mailbox, delimiter: string): Mailbox | undefined {
  if (map.size === 0) return undefined
  const local = localPart.toLowerCase()
  const whole = map.get(`${local}@${domain}`)
  if (whole !== undefined) return applied(whole, localPart)
  const at = delimiter === '' ? -1 : local.indexOf(delimiter)
  if (at > 0) {
    const base = map.get(`${local.slice(0, at)}@${domain}`)
    const found = base === undefined ? undefined : applied(base, localPart.slice(0, at))
    // user+detail is still the user's own; the detail is his.
    if (found) return { ...found, localPart: found.localPart + localPart.slice(at) }
  }
  const domainWide = map.get(`@${domain}`)
  return domainWide === undefined ? undefined : applied(domainWide, localPart)
}

function applied(target: string, localPart: string): Mailbox | undefined {
  return target.startsWith('@') ? { localPart, domain: target.slice(1) } : parseMailbox(target)
}
