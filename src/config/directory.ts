/** What the keys of [directory] say together. */
import type { DirectoryOptions } from '../directory/directory-options.ts'
import { filterFault } from '../directory/ldap-filter.ts'

interface DirectoryFault {
  readonly key: keyof DirectoryOptions
  readonly text: string
  readonly hint: string
}

/**
 * @param has whether a key stands in the file.
 * @param isLoopback of a host name.
 */
export function directoryFaults(
  said: DirectoryOptions,
  has: (key: string) => boolean,
  isLoopback: (host: string) => boolean,
): DirectoryFault[] {
  const faults: DirectoryFault[] = []
  const fault = (key: keyof DirectoryOptions, text: string, hint: string): void => void faults.push({ key, text, hint })
  if (said.source === 'store') {
    const unused = (Object.keys(said) as (keyof DirectoryOptions)[]).find((key) => key !== 'source' && has(key))
    if (unused !== undefined)
      fault(unused, `directory.${unused} has no effect with source = "store"`, 'Set source = "ldap" in [directory].')
    return faults
  }
  if (said.urls.length === 0)
    fault('source', 'source = "ldap" needs directory.urls', 'Write urls = ["ldaps://ldap.example.org"].')
  for (const url of said.urls) checkUrl(url)
  if (said.base === undefined)
    fault('source', 'source = "ldap" needs directory.base', 'Write base = "dc=example,dc=org".')
  if ((said.bindDn === undefined) !== (said.passwordFile === undefined))
    fault(
      said.bindDn === undefined ? 'passwordFile' : 'bindDn',
      'directory.bindDn and directory.passwordFile belong together',
      'Add the other one, or remove both to bind anonymously.',
    )
  for (const [key, needsPlace] of [
    ['userFilter', true],
    ['aliasFilter', true],
    ['disabledFilter', false],
  ] as const) {
    const filter = said[key]
    const wrong = filter === undefined ? undefined : filterFault(filter, needsPlace)
    if (wrong !== undefined)
      fault(key, `directory.${key} ${wrong}`, 'Write it like "(&(objectClass=person)(mail={address}))".')
  }
  for (const key of ['aliasAttributes', 'memberAttributes'] as const)
    if (said.aliasFilter === undefined && has(key))
      fault(key, `directory.${key} has no effect without aliasFilter`, 'Set aliasFilter, or remove it.')
  if (said.aliasFilter !== undefined && said.aliasAttributes.length + said.memberAttributes.length === 0)
    fault('aliasFilter', 'directory.aliasFilter has no targets', 'Set aliasAttributes or memberAttributes.')
  return faults

  function checkUrl(url: string): void {
    const place = URL.canParse(url) ? new URL(url) : undefined
    if (!place || !['ldap:', 'ldaps:'].includes(place.protocol) || place.hostname === '' || /[^/]/.test(place.pathname))
      return fault(
        'urls',
        `directory.urls has "${url}", which is not an LDAP URL`,
        'Write "ldaps://host", "ldap://host" or one with a port; base and filters have keys of their own.',
      )
    if (place.protocol === 'ldap:' && !said.startTls && !isLoopback(place.hostname.replace(/^\[|\]$/g, '')))
      fault(
        'startTls',
        `Passwords would be sent to ${place.hostname} without TLS`,
        'Remove startTls = false, or use ldaps://; it is for a server on this machine.',
      )
  }
}
