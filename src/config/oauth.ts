/** What the keys of [oauth] say together. */
import type { OAuthOptions } from '../directory/options.ts'

interface OAuthFault {
  readonly key: keyof OAuthOptions
  readonly text: string
  readonly hint: string
}

export function isWebAddress(text: string): boolean {
  return /^https?:\/\//i.test(text)
}

/** @param isLoopback of a host name. */
export function oauthFaults(said: OAuthOptions, isLoopback: (host: string) => boolean): OAuthFault[] {
  const faults: OAuthFault[] = []
  const fault = (key: keyof OAuthOptions, text: string, hint: string): void => void faults.push({ key, text, hint })
  const { jwks, introspection } = said
  if (jwks !== undefined && introspection !== undefined)
    fault('introspection', 'Tokens are checked either by jwks or by introspection', 'Keep one of the two.')
  const unused = (['issuer', 'audience', 'scope', 'clientId', 'clientSecretFile'] as const).find(
    (key) => said[key] !== undefined,
  )
  if (jwks === undefined && introspection === undefined && unused !== undefined)
    fault(unused, `oauth.${unused} has no effect without jwks or introspection`, 'Add one of them.')
  if (jwks !== undefined) {
    for (const key of ['issuer', 'audience'] as const)
      if (said[key] === undefined)
        fault(
          'jwks',
          `oauth.jwks needs oauth.${key}`,
          'Without it, tokens issued for other services would be accepted.',
        )
  }
  if (introspection !== undefined && !isWebAddress(introspection))
    fault('introspection', 'oauth.introspection must be a URL', 'Write it like "https://login.example.org/introspect".')
  if ((said.clientId === undefined) !== (said.clientSecretFile === undefined))
    fault(
      said.clientId === undefined ? 'clientSecretFile' : 'clientId',
      'oauth.clientId and oauth.clientSecretFile belong together',
      'Add the other one, or remove both.',
    )
  for (const key of ['jwks', 'introspection'] as const) {
    const url = said[key]
    if (url === undefined || !/^http:\/\//i.test(url)) continue
    if (!URL.canParse(url) || !isLoopback(new URL(url).hostname.replace(/^\[|\]$/g, '')))
      fault(key, `oauth.${key} would be used without TLS`, 'Use https; http is for this machine only.')
  }
  return faults
}
