/** HTTP requests to other hosts with Node's client, loaded on first use. */
import { isIPv6, type LookupFunction } from 'node:net'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { RequestOptions } from 'node:https'
import { rootCertificates } from 'node:tls'
import type { HttpClient } from '../../base/http-client.ts'

export const realHttpClient: HttpClient = {
  async ask({ method, url, headers = {}, body, addresses, authorities = [], timeoutMs, bytesMax }) {
    const { protocol } = new URL(url)
    if (protocol !== 'https:' && protocol !== 'http:') throw new Error(`${url} is no web address`)
    const library = protocol === 'https:' ? await import('node:https') : await import('node:http')
    const request = library.request as (
      url: string,
      options: RequestOptions,
      answered: (response: IncomingMessage) => void,
    ) => ClientRequest
    return new Promise((resolve, reject) => {
      const lookup = addresses && lookupIn(addresses)
      const ca = authorities.length === 0 ? undefined : [...rootCertificates, ...authorities]
      const options = { method, headers, lookup, ca, signal: AbortSignal.timeout(timeoutMs) }
      const sent = request(url, options, (response) => {
        const parts: Buffer[] = []
        let bytes = 0
        response.on('data', (part: Buffer) => {
          bytes += part.length
          if (bytes > bytesMax) return sent.destroy(new Error(`${url} answers more than ${bytesMax} bytes`))
          parts.push(part)
        })
        response.on('error', reject)
        response.on('end', () => {
          const { statusCode: status = 0, headers } = response
          resolve({ status, contentType: headers['content-type'], body: Buffer.concat(parts) })
        })
      })
      sent.on('error', reject)
      sent.end(body)
    })
  },
}

/** With given addresses, the client does not resolve the host. */
function lookupIn(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }))
  return (_, options, found) => {
    if (options.all) found(null, all)
    else found(null, all[0]!.address, all[0]!.family)
  }
}
