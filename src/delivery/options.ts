/** The options of this room: `[relay]`, and its part of `[transfer]`. RFC 5321 §4.5.4.1, §6.3. */
import * as kinds from '../base/options/kinds.ts'
import { defaultsOf, option, table, type ValuesOf } from '../base/options/option.ts'
import * as mailKinds from '../mail/option-kinds.ts'

export const relayOptions = table({
  domains: option(
    kinds.list(mailKinds.domainPattern),
    [],
    'Domains that we relay for: mail for them is accepted from any client and sent to MX hosts of better preference than ours, or by a [[route]]. For a backup MX, or a gateway in front of another mail host.',
    ['partner.example'],
  ),
})

export type RelayOptions = ValuesOf<typeof relayOptions>

const day = 24 * 60 * 60_000

export const deliveryOptions = table({
  messageBytesMax: option(
    kinds.size,
    50 * 1024 * 1024,
    'Maximum message size, announced in SIZE and APPENDLIMIT. 50 MB is what large providers accept, with attachments encoded.',
  ),
  subaddressDelimiter: option(
    subaddress(),
    '+',
    'Separates user and detail, as in user+detail@example.org, which is delivered to user (RFC 5233). "" switches this off.',
  ),
  hopsMax: option(
    kinds.count(1, 1000),
    100,
    'Maximum number of Received fields; a message with more is refused as a mail loop. RFC 5321 §6.3 asks for at least 100.',
  ),
  fileNowMax: option(
    kinds.count(1, 100_000),
    100,
    'Maximum number of local recipients filed before the reply, after aliases are expanded. The rest is queued, so that the client gets its reply in time.',
  ),
  queueLifetimeMs: option(
    kinds.duration,
    5 * day,
    'How long to try before a message bounces. RFC 5321 §4.5.4.1 asks for at least 4 to 5 days.',
  ),
})

export type DeliveryOptions = ValuesOf<typeof deliveryOptions> & {
  /** Our name in Received, HELO and bounces. */
  readonly hostname: string
}

export const deliveryDefaults: DeliveryOptions = { hostname: 'localhost', ...defaultsOf(deliveryOptions) }

function subaddress(): kinds.Kind<string> {
  return {
    words: 'a short string, "" for none',
    read(value) {
      const delimiter = kinds.text.read(value)
      if (delimiter.length > 8 || /[@\s"<>]/.test(delimiter))
        throw new kinds.ValueFault('must be at most 8 characters, none of them @, quotes or space')
      return delimiter
    },
    format: (value) => JSON.stringify(value),
  }
}
