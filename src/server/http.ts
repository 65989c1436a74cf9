/** The http and https listeners: settings for mail programs; to loopback alone, whether we are well, and figures. OpenMetrics 1.0. */
import type { HttpRequest, HttpResponse } from '../base/http.ts'
import { running } from '../base/running.ts'
import type { StoreReads } from '../store/store.ts'
import { isLoopback } from './network-rates.ts'
import { answerDiscovery, type DiscoveryTools } from './discovery/pages.ts'

export interface HttpTools {
  readonly discovery: DiscoveryTools
  readonly read: StoreReads
  /** Connections over every listener, now. */
  readonly connections: () => number
  /** False while stopping, when the store has stopped, and while it takes no mail (a full disk, rows that cannot be written). */
  readonly ready: () => boolean
  /** What the store has set aside, until an operator deals with it. */
  readonly aside: () => { readonly quarantined: number; readonly lost: number }
}

const plain = 'text/plain; charset=utf-8'
const openMetrics = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

export function answerHttp(tools: HttpTools, request: HttpRequest): HttpResponse {
  running('http request')
  const found = answerDiscovery(tools.discovery, request)
  if (found) return found
  // Through a proxy on this machine the world would be loopback.
  if (request.forwarded || !isLoopback(request.peer.address))
    return { status: 403, type: plain, body: 'loopback only\n' }
  if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405, type: plain, body: 'GET only\n' }
  switch (request.path) {
    case '/healthz':
      return { status: 200, type: plain, body: 'ok\n' }
    case '/readyz':
      return tools.ready()
        ? { status: 200, type: plain, body: `ready\n${asideText(tools)}` }
        : { status: 503, type: plain, body: 'not ready\n' }
    case '/metrics':
      return { status: 200, type: openMetrics, body: metrics(tools) }
    default:
      return { status: 404, type: plain, body: 'here are /healthz, /readyz and /metrics\n' }
  }
}

/** Mail is taken, and something wants looking at all the same. */
function asideText({ aside }: HttpTools): string {
  const { quarantined, lost } = aside()
  return quarantined + lost === 0 ? '' : `set aside: ${quarantined} records, ${lost} files\n`
}

function metrics({ read, connections, aside }: HttpTools): string {
  const { quarantined, lost } = aside()
  const { accounts, messages, contents, queued } = read.counts()
  const gauge = (name: string, help: string, value: number): string =>
    `# TYPE pennypost_${name} gauge\n# HELP pennypost_${name} ${help}\npennypost_${name} ${value}\n`
  return `${gauge('connections', 'Open connections over all listeners.', connections())}${gauge('accounts', 'Accounts.', accounts)}${gauge('messages', 'Messages in mailboxes.', messages)}${gauge('contents', 'Stored contents.', contents)}${gauge('queue_recipients', 'Recipients that wait for transfer.', queued)}${gauge('quarantined_records', 'Records that the store has set aside: pennypost quarantine.', quarantined)}${gauge('lost_files', 'Files that the database does not know: pennypost lost.', lost)}# EOF\n`
}
