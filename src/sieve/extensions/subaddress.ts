/** The extension `subaddress`: `:user` and `:detail` of `user+detail@example.org`. RFC 5233. */
import type { Extension } from '../declare.ts'

/** RFC 5233 §4 leaves it to the site; a plus is what other servers and senders expect. */
const separator = '+'

export const subaddress: Extension = {
  capabilities: ['subaddress'],
  addressParts: [
    { name: 'user', of: ({ localPart, domain }) => (domain === '' ? undefined : localPart.split(separator, 1)[0]!) },
    {
      name: 'detail',
      // Without a separator there is no detail, and nothing matches; with one at the end it is empty. RFC 5233 §4.
      of: ({ localPart }) => {
        const at = localPart.indexOf(separator)
        return at < 0 ? undefined : localPart.slice(at + 1)
      },
    },
  ],
}
