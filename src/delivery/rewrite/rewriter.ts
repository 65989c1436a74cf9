/**
 * Rewrites addresses: old or internal ones to canonical ones, hosts to their domains; and finds the addresses for BCC
 * copies.
 */
import type { Live } from '../../base/live.ts'
import { formatMailbox, parseMailbox } from '../../mail/address.ts'
import type { Mailbox, ReversePath } from '../../mail/envelope.ts'
import type { AddressMap, RewriteOptions } from './options.ts'

type Side = 'sender' | 'recipient'

export class Rewriter {
  readonly #options: Live<RewriteOptions>
  readonly #delimiter: () => string

  /** @param delimiter separates user and detail; '' for none. */
  constructor(options: Live<RewriteOptions>, delimiter: () => string) {
    this.#options = options
    this.#delimiter = delimiter
  }

  /** Whether any header field could change. */
  get changesHeaders(): boolean {
    const { canonical, senderCanonical, recipientCanonical, masqueradeDomains } = this.#options.now
    return canonical.size + senderCanonical.size + recipientCanonical.size + masqueradeDomains.length > 0
  }

  /** Rewrites the reverse-path of a submitted message. */
  sender(path: ReversePath): ReversePath {
    return path && this.#masqueraded(this.#canonical(path, 'sender'))
  }

  /** Rewrites a recipient of any message. Its host is the destination, and is kept. */
  recipient(mailbox: Mailbox): Mailbox {
    return this.#canonical(mailbox, 'recipient')
  }

  /** Rewrites an address in the header of a submitted message. */
  inHeader(mailbox: Mailbox, side: Side): Mailbox {
    return this.#masqueraded(this.#canonical(mailbox, side))
  }

  /** Addresses that get a copy, each once, without those that are recipients already. */
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

/** Looked up once only, not again with the result: so maps cannot loop. */
function mapped(map: AddressMap, { localPart, domain }: Mailbox, delimiter: string): Mailbox | undefined {
  if (map.size === 0) return undefined
  const local = localPart.toLowerCase()
  const whole = map.get(`${local}@${domain}`)
  if (whole !== undefined) return applied(whole, localPart)
  const at = delimiter === '' ? -1 : local.indexOf(delimiter)
  if (at > 0) {
    const base = map.get(`${local.slice(0, at)}@${domain}`)
    const found = base === undefined ? undefined : applied(base, localPart.slice(0, at))
    // user+detail belongs to the same user, and keeps its detail.
    if (found) return { ...found, localPart: found.localPart + localPart.slice(at) }
  }
  const domainWide = map.get(`@${domain}`)
  return domainWide === undefined ? undefined : applied(domainWide, localPart)
}

function applied(target: string, localPart: string): Mailbox | undefined {
  return target.startsWith('@') ? { localPart, domain: target.slice(1) } : parseMailbox(target)
}
