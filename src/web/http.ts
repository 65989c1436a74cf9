/**
 * The http and https listeners: settings for mail programs; for loopback only, health, readiness and metrics.
 * OpenMetrics 1.0.
 */
import type { HttpRequest, HttpResponse } from '../base/http.ts'
import { running } from '../base/running.ts'
import { isLoopback } from '../base/loopback.ts'
import { answerDiscovery, type DiscoveryTools } from './discovery/pages.ts'

export interface HttpTools {
  readonly discovery: DiscoveryTools
  /**
   * False during shutdown, when the store has stopped, and while mail is refused: full disk, rows cannot be written,
   * directory not available.
   */
  readonly ready: () => boolean
  /** Current problems. */
  readonly troubles: () => readonly { readonly name: string; readonly problem: string }[]
  /** Numbers of records and files that the store has set aside, until an operator handles them. */
  readonly aside: () => Promise<{ readonly quarantined: number; readonly lost: number }>
  /** The text of the metrics. */
  readonly metrics: () => Promise<string>
}

const plain = 'text/plain; charset=utf-8'
const openMetrics = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

export async function answerHttp(tools: HttpTools, request: HttpRequest): Promise<HttpResponse> {
  running('http request')
  const found = answerDiscovery(tools.discovery, request)
  if (found) return found
  // Through a proxy on this machine, all clients would look like loopback.
  if (request.forwarded || !isLoopback(request.peer.address))
    return { status: 403, type: plain, body: 'loopback only\n' }
  if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405, type: plain, body: 'GET only\n' }
  switch (request.path) {
    case '/healthz':
      return { status: 200, type: plain, body: 'ok\n' }
    case '/readyz':
      return tools.ready()
        ? { status: 200, type: plain, body: `ready\n${await troubleText(tools)}` }
        : { status: 503, type: plain, body: `not ready\n${await troubleText(tools)}` }
    case '/metrics':
      return { status: 200, type: openMetrics, body: await tools.metrics() }
    default:
      return { status: 404, type: plain, body: 'here are /healthz, /readyz and /metrics\n' }
  }
}

/** Current problems, one a line: mail may still be accepted. */
async function troubleText({ aside, troubles }: HttpTools): Promise<string> {
  const { quarantined, lost } = await aside()
  const setAside = quarantined + lost === 0 ? '' : `set aside: ${quarantined} records, ${lost} files\n`
  return (
    setAside +
    troubles()
      .map(({ name, problem }) => `${name}: ${problem}\n`)
      .join('')
  )
}
