/** OAUTHBEARER (RFC 7628) and the XOAUTH2 that came before it: a token from another service's login page instead of a password. */
import { utf8 } from '../../base/bytes.ts'
import type { Authenticated, TokenFault, TokenSource, VouchedSource } from './authenticator.ts'
import type { MechanismContext, SaslExchange, SaslMechanism } from './mechanism.ts'

/** What the client has sent: the account it wants ('' for the token's own) and the token; undefined where it cannot be read. */
type Request = { readonly asked: string; readonly token: string } | undefined

export function oauthBearer(tokens: TokenSource, accounts: VouchedSource): SaslMechanism {
  return {
    name: 'OAUTHBEARER',
    plaintext: true,
    begin: (context) =>
      exchange(context, tokens, accounts, bearerRequest, (fault) => ({
        status: fault,
        schemes: 'bearer',
        ...tokens.hints,
      })),
  }
}

export function xoauth2(tokens: TokenSource, accounts: VouchedSource): SaslMechanism {
  return {
    name: 'XOAUTH2',
    plaintext: true,
    begin: (context) =>
      exchange(context, tokens, accounts, xoauth2Request, (fault) => ({
        status: fault === 'invalid_request' ? '400' : '401',
        schemes: 'bearer',
        ...tokens.hints,
      })),
  }
}

function exchange(
  { peer }: MechanismContext,
  tokens: TokenSource,
  accounts: VouchedSource,
  read: (text: string) => Request,
  words: (fault: TokenFault) => object,
): SaslExchange {
  let failed = false
  /** The reason goes first, as a challenge; whatever the client then says, it has failed. RFC 7628 §3.2.3. */
  const fail = (fault: TokenFault): Uint8Array => {
    failed = true
    return Buffer.from(JSON.stringify(words(fault)))
  }
  return {
    async step(response): Promise<Uint8Array | Authenticated | null> {
      if (failed) return null
      if (!response) return new Uint8Array(0)
      const request = read(utf8(response))
      if (!request) return fail('invalid_request')
      const verified =
        request.token === ''
          ? { fault: 'invalid_token' as const }
          : await tokens.verifyToken(request.token, request.asked, peer)
      if ('fault' in verified) return fail(verified.fault)
      const user = await accounts.signInVouched([verified.address], request.asked, peer)
      return user ?? fail('invalid_token')
    },
  }
}

const unquoted = (name: string): string => name.replace(/=2C/g, ',').replace(/=3D/g, '=')

/**
 * `n,a=user@example.org,^Ahost=…^Aport=…^Aauth=Bearer TOKEN^A^A`. RFC 7628 §3.1.
 * Departs: RFC 7628 §3.2, host and port are not compared: behind a forwarding the client's differ from ours, and a bearer token is not bound to them.
 */
function bearerRequest(text: string): Request {
  const header = /^[ny],(?:a=([^,\x01]*))?,\x01/.exec(text)
  if (!header) return undefined
  if (header[1] !== undefined && /=(?!2C|3D)/.test(header[1])) return undefined
  const token = tokenOf(text.slice(header[0].length))
  return token === undefined ? undefined : { asked: unquoted(header[1] ?? ''), token }
}

/** `user=NAME^Aauth=Bearer TOKEN^A^A`: Google's, never written down as an RFC. */
function xoauth2Request(text: string): Request {
  const [first = '', ...rest] = text.split('\x01')
  if (!first.startsWith('user=')) return undefined
  const token = tokenOf(rest.join('\x01'))
  return token === undefined ? undefined : { asked: first.slice(5), token }
}

/** The token among key/value pairs, '' where the client asks what it needs; keys that we do not know are passed over. */
function tokenOf(text: string): string | undefined {
  const pairs = text.split('\x01')
  // Each pair ends in ^A, and one more ends them all.
  if (pairs.length < 3 || pairs.at(-1) !== '' || pairs.at(-2) !== '') return undefined
  const auth = pairs.filter((pair) => pair.startsWith('auth='))
  if (auth.length !== 1) return undefined
  const value = auth[0]!.slice(5)
  if (value === '') return ''
  return /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(value)?.[1]
}
