/** Message ids, for threads and replies. RFC 5322 §3.6.4, RFC 5256 §3. */
import type { Header } from './header.ts'

/** Ids read of one References field: enough for any thread; clients limit it to a few hundred themselves. */
export const messageIdsMax = 1_000
/** RFC 5322 §2.1.1 keeps a line, and with it an id, under 998; longer ones are not kept as keys. */
const messageIdOctetsMax = 998

/** The ids of a field value, without angle brackets, in their order. A value without brackets is one id, if it has no space. */
export function parseMessageIds(value: string): string[] {
  const ids: string[] = []
  let open = value.indexOf('<')
  if (open < 0) {
    const bare = value.trim()
    return bare === '' || bare.length > messageIdOctetsMax || /\s/.test(bare) ? [] : [bare]
  }
  while (open >= 0 && ids.length < messageIdsMax) {
    const close = value.indexOf('>', open)
    if (close < 0) break
    // `<<a@b>`: the id begins at the last bracket.
    const start = value.lastIndexOf('<', close) + 1
    // White space, where a fold cut the id in two, is no part of it.
    const id = value.slice(start, close).replace(/\s+/g, '')
    if (id !== '' && id.length <= messageIdOctetsMax) ids.push(id)
    open = value.indexOf('<', close)
  }
  return ids
}

export interface MessageIdKeys {
  readonly messageId?: string
  /** Ids of the messages that it replies to: References, then further ones of In-Reply-To; each once, the parent last. */
  readonly references: readonly string[]
}

export function messageIdKeys(header: Header): MessageIdKeys {
  const messageId = parseMessageIds(header.valueOf('message-id') ?? '')[0]
  const found = new Set<string>()
  for (const name of ['references', 'in-reply-to']) {
    const value = header.valueOf(name)
    if (value === undefined || (name === 'in-reply-to' && !value.includes('<'))) continue
    for (const id of parseMessageIds(value)) found.add(id)
  }
  return { messageId, references: [...found] }
}
