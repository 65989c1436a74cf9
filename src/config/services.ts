/** The services that a listener can be: their ports here and in the world, how TLS starts, and whether this program serves them yet. */
import type { ListenerConfig, Service } from './config.ts'

export interface ServiceFacts {
  /** Unprivileged, on loopback: what a start without a configuration takes. */
  readonly port: number
  /** What the world expects. */
  readonly worldPort: number
  readonly tls: ListenerConfig['tls']
  /** Whether people sign in there. */
  readonly signsIn: boolean
  readonly served: boolean
}

export const services = {
  smtp: { port: 2525, worldPort: 25, tls: 'starttls', signsIn: false, served: true },
  submission: { port: 1587, worldPort: 587, tls: 'starttls', signsIn: true, served: true },
  // RFC 8314 §3.3: TLS from the first byte.
  submissions: { port: 1465, worldPort: 465, tls: 'implicit', signsIn: true, served: true },
  lmtp: { port: 2424, worldPort: 24, tls: 'starttls', signsIn: false, served: true },
  imap: { port: 1143, worldPort: 143, tls: 'starttls', signsIn: true, served: true },
  imaps: { port: 1993, worldPort: 993, tls: 'implicit', signsIn: true, served: true },
  pop3: { port: 1110, worldPort: 110, tls: 'starttls', signsIn: true, served: true },
  pop3s: { port: 1995, worldPort: 995, tls: 'implicit', signsIn: true, served: true },
  managesieve: { port: 14_190, worldPort: 4190, tls: 'starttls', signsIn: true, served: false },
  http: { port: 8080, worldPort: 80, tls: 'none', signsIn: false, served: true },
  https: { port: 8443, worldPort: 443, tls: 'implicit', signsIn: false, served: true },
} as const satisfies Record<Service, ServiceFacts>

/** What listens without a configuration. */
export const defaultServices = (Object.keys(services) as Service[]).filter((name) => services[name].served)
