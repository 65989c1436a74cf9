/** Postfix as the benchmarks measure it: syncs and limits as said in `durability`. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { startPrivatePostfix } from '../../test/support/private-postfix.ts'
import { atEnd, freePorts, scratchFolder, until } from './scratch.ts'
import type { Server } from './server.ts'

export interface PostfixOptions {
  /** Where mail for bench.test goes: `discard:` or `lmtp:inet:127.0.0.1:PORT`. */
  readonly transport: string
  /** Other domains that it takes mail for, and where that goes. */
  readonly routes?: Readonly<Record<string, string>>
  /** A certificate and key, PEM files, for STARTTLS. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** How soon it tries again what was not taken. */
  readonly retryAfterSeconds?: number
  /** How many smtpd processes may run: one for each session, or those that wait would measure the wait. */
  readonly smtpdMax?: number
  /** Concurrent deliveries to the transport. */
  readonly deliveriesMax?: number
}

function tables(routes: Readonly<Record<string, string>> = {}): Record<string, string> {
  const rows = Object.entries(routes).map(([domain, transport]) => `{ ${domain} = ${transport} }`)
  return rows.length === 0 ? {} : { transport_maps: `inline:{ ${rows.join(', ')} }` }
}

export async function startPostfix(options: PostfixOptions): Promise<Server> {
  const { transport, routes = {}, tls, retryAfterSeconds: retry, deliveriesMax = 20 } = options
  const [port] = await freePorts(1)
  const { pid, queue, stop } = await startPrivatePostfix(scratchFolder('postfix'), {
    listeners: [`127.0.0.1:${port} inet n - n - ${options.smtpdMax ?? 100} smtpd`],
    settings: {
      myhostname: 'mx.bench.test',
      mynetworks: '127.0.0.0/8',
      relay_domains: ['bench.test', ...Object.keys(routes)].join(' '),
      relay_transport: transport,
      ...tables(routes),
      smtpd_relay_restrictions: 'permit_mynetworks, reject',
      message_size_limit: 52_428_800,
      smtpd_client_connection_count_limit: 0,
      in_flow_delay: 0,
      default_destination_concurrency_limit: deliveriesMax,
      initial_destination_concurrency: deliveriesMax,
      lmtp_destination_recipient_limit: 1,
      ...(tls ? { smtpd_tls_security_level: 'may', smtpd_tls_cert_file: tls.cert, smtpd_tls_key_file: tls.key } : {}),
      ...(retry === undefined
        ? {}
        : { minimal_backoff_time: `${retry}s`, maximal_backoff_time: `${retry}s`, queue_run_delay: `${retry}s` }),
    },
  })
  atEnd(stop)
  const waiting = (name: string): boolean => {
    try {
      return readdirSync(join(queue, name)).length > 0
    } catch {
      return false
    }
  }
  return {
    name: 'Postfix',
    pid,
    durability: `queue file synced by cleanup (fsync) before 250, then ${transport}; no syslog, in_flow_delay = 0`,
    port: { smtp: port },
    settled: () => until('the queue is empty', () => !waiting('incoming') && !waiting('active'), 60_000),
    stop,
  }
}
