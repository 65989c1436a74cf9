/** HTTP to others by Node's own client, which is loaded when first asked. */
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import type { HttpClient } from '../../base/http-client.ts'

export const realHttpClient: HttpClient = {
  async ask({ method, url, headers = {}, body, timeoutMs, bytesMax }) {
    const { protocol } = new URL(url)
    if (protocol !== 'https:' && protocol !== 'http:') throw new Error(`${url} is no web address`)
    const library = protocol === 'https:' ? await import('node:https') : await import('node:http')
    const request = library.request as (
      url: string,
      options: RequestOptions,
      answered: (response: IncomingMessage) => void,
    ) => ClientRequest
    return new Promise((resolve, reject) => {
      const options = { method, headers, signal: AbortSignal.timeout(timeoutMs) }
      const sent = request(url, options, (response) => {
        const parts: Buffer[] = []
        let bytes = 0
        response.on('data', (part: Buffer) => {
          bytes += part.length
          if (bytes > bytesMax) return sent.destroy(new Error(`${url} answers more than ${bytesMax} bytes`))
          parts.push(part)
        })
        response.on('error', reject)
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }))
      })
      sent.on('error', reject)
      sent.end(body)
    })
  },
}
