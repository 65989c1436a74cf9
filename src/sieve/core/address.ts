/** The test `address`, and the parts of addresses. RFC 5228 §5.1, §2.7.4. */
import { test, type AddressPart } from '../declare.ts'
import { shown } from '../match.ts'
import { indexOf, pickedFields } from '../pick.ts'
import { valuesOf } from '../value.ts'

/** An address without a domain is not valid: it is matched as a whole only. RFC 5228 §2.7.4. */
export const addressParts: readonly AddressPart[] = [
  { name: 'all', of: ({ localPart, domain }) => (domain === '' ? localPart : `${localPart}@${domain}`) },
  { name: 'localpart', of: ({ localPart, domain }) => (domain === '' ? undefined : localPart) },
  { name: 'domain', of: ({ domain }) => (domain === '' ? undefined : domain) },
]

/**
 * Fields that hold addresses. RFC 5228 §5.1 has the test refuse others: a key that is looked for in the addresses of a Subject is a mistake.
 */
const addressFields: ReadonlySet<string> = new Set(
  (
    'from to cc bcc sender reply-to resent-from resent-to resent-cc resent-bcc resent-sender resent-reply-to return-path delivered-to ' +
    'x-original-to envelope-to apparently-to errors-to mail-followup-to mail-reply-to disposition-notification-to return-receipt-to ' +
    'original-recipient final-recipient x-envelope-from x-envelope-to x-delivered-to x-forwarded-to x-forwarded-for approved for-approval ' +
    'for-comment for-handling prevent-nondelivery-report read-receipt-to x-loop x-sender x-to x-from x-beenthere mailing-list'
  ).split(' '),
)

export const address = test({
  name: 'address',
  parameters: { names: 'texts', keys: 'texts' },
  traits: ['matches', 'addressParts'],
  compile({ values: { names, keys }, tags, match, addressPart, fault }) {
    const problem = match.faultOf(keys)
    if (problem !== undefined) fault(problem, undefined, 'keys')
    for (const name of names.items)
      if (typeof name === 'string' && !addressFields.has(name.toLowerCase()))
        fault(`${shown(name)} is no field of addresses`, 'the test "header" looks at any field', 'names')
    const index = indexOf(tags, fault)
    return (run) => {
      const wanted = run.texts(names)
      const what = run.isExplained ? wanted.map(shown).join(' or ') : ''
      if (index === 0 && match.type.counts !== true) {
        const values =
          wanted.length === 1
            ? run.header.addressParts(wanted[0]!, addressPart)
            : wanted.flatMap((name) => run.header.addressParts(name, addressPart))
        return match.any(run, what, values, keys)
      }
      const addresses =
        index === 0
          ? wanted.flatMap((name) => run.header.addresses(name))
          : pickedFields(run, wanted, index).flatMap((field) => run.header.addressesOf(field))
      // Addresses are counted, whatever their parts. RFC 5231 §4.2.
      const parts = addresses.flatMap((one) => addressPart.of(one) ?? (match.type.counts ? '' : []))
      return match.any(run, what, valuesOf(parts), keys)
    }
  },
})
