/** Settings for mail programs over http and https. The responses do not disclose which accounts exist. */
import type { HttpRequest, HttpResponse } from '../../base/http.ts'
import { parseMailbox } from '../../mail/address.ts'
import { autoconfigXml } from './autoconfig.ts'
import {
  autodiscoverFault,
  autodiscoverXml,
  requestedAddress,
  requestText,
  takesOutlookSchema,
  type AutodiscoverFault,
} from './autodiscover.ts'
import { mobileconfig } from './mobileconfig.ts'
import type { Offer } from './settings.ts'

export interface DiscoveryTools {
  readonly offers: () => readonly Offer[]
  readonly isLocalDomain: (domain: string) => boolean
  /** The current MTA-STS policy of our domains. */
  readonly policy: () => string
  readonly now: () => number
}

const xmlType = 'text/xml; charset=utf-8'
const plain = 'text/plain; charset=utf-8'

/** @returns undefined for other paths. */
export function answerDiscovery(tools: DiscoveryTools, request: HttpRequest): HttpResponse | undefined {
  const path = request.path.toLowerCase()
  // `…/v1.0/ADDRESS`, or `?Email=ADDRESS`: the response does not depend on the address.
  if (path.startsWith('/autodiscover/autodiscover.json/v1.0/')) return autodiscoverJson(tools, request)
  switch (path) {
    case '/mail/config-v1.1.xml':
    case '/.well-known/autoconfig/mail/config-v1.1.xml':
      return autoconfig(tools, request)
    case '/autodiscover/autodiscover.xml':
      return autodiscover(tools, request)
    case '/autodiscover/autodiscover.json':
      return autodiscoverJson(tools, request)
    case '/mobileconfig':
      return profile(tools, request)
    case '/.well-known/mta-sts.txt':
      return stsPolicy(tools, request)
    default:
      return undefined
  }
}

function notFound(body: string): HttpResponse {
  return { status: 404, type: plain, body: `${body}\n` }
}

/** The domain of an address, if local. */
function localDomain(tools: DiscoveryTools, address: string | null | undefined): string | undefined {
  const domain = address === null || address === undefined ? undefined : parseMailbox(address)?.domain
  return domain !== undefined && tools.isLocalDomain(domain) ? domain : undefined
}

function autoconfig(tools: DiscoveryTools, { query, host }: HttpRequest): HttpResponse {
  const named = (host ?? '').replace(/:\d+$/, '').toLowerCase()
  const fromHost = [named.replace(/^autoconfig\./, ''), named].find((name) => tools.isLocalDomain(name))
  const domain = localDomain(tools, query.get('emailaddress')) ?? fromHost
  if (domain === undefined) return notFound('this server has no mail for that domain')
  return { status: 200, type: xmlType, body: autoconfigXml(domain, tools.offers()) }
}

/**
 * Only for `mta-sts.` of a local domain: another domain that points its policy host here gets no policy.
 * Served over http too, for a web server in front that has the certificates; senders only use https. RFC 8461 §3.3.
 */
function stsPolicy(tools: DiscoveryTools, { method, host }: HttpRequest): HttpResponse {
  const domain = /^mta-sts\.([^:]+?)\.?(?::\d+)?$/i.exec(host ?? '')?.[1]?.toLowerCase()
  if (domain === undefined || !tools.isLocalDomain(domain)) return notFound('this server has no policy for that name')
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, type: plain, body: 'GET only\n' }
  return { status: 200, type: plain, body: tools.policy() }
}

function autodiscover(tools: DiscoveryTools, { method, body }: HttpRequest): HttpResponse {
  const text = requestText(body)
  const asked = requestedAddress(text)
  const fault = faultOf(tools, method === 'POST' ? asked : undefined, text)
  return {
    status: 200,
    type: xmlType,
    body: fault === undefined ? autodiscoverXml(asked!, tools.offers()) : autodiscoverFault(fault, tools.now()),
  }
}

function faultOf(tools: DiscoveryTools, address: string | undefined, text: string): AutodiscoverFault | undefined {
  if (address === undefined) return 'invalid'
  if (!takesOutlookSchema(text)) return 'unknownSchema'
  return localDomain(tools, address) === undefined ? 'unknownAddress' : undefined
}

/** Version 2 only points to version 1: servers without Exchange's protocols have nothing more. */
function autodiscoverJson(tools: DiscoveryTools, { query, host }: HttpRequest): HttpResponse {
  const protocol = (query.get('Protocol') ?? query.get('protocol') ?? '').toLowerCase()
  if (protocol !== 'autodiscoverv1') {
    const body = { ErrorCode: 'InvalidProtocol', ErrorMessage: 'Supported values: AutodiscoverV1' }
    return { status: 400, type: 'application/json', body: JSON.stringify(body) }
  }
  const Url = `https://${/^[\w.:-]+$/.test(host ?? '') ? host : tools.offers()[0]?.hostname}/autodiscover/autodiscover.xml`
  return { status: 200, type: 'application/json', body: JSON.stringify({ Protocol: 'AutodiscoverV1', Url }) }
}

function profile(tools: DiscoveryTools, { query }: HttpRequest): HttpResponse {
  const address = query.get('address') ?? query.get('emailaddress')
  const domain = localDomain(tools, address)
  const body = domain === undefined ? undefined : mobileconfig(address!, domain, tools.offers())
  if (body === undefined) return notFound('say /mobileconfig?address=you@your.domain')
  return {
    status: 200,
    type: 'application/x-apple-aspen-config',
    body,
    headers: { 'content-disposition': 'attachment; filename="mail.mobileconfig"' },
  }
}
