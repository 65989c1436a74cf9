/** The options of the transports, and their defaults. */
import type { AddressFamilies } from './address-order.ts'

/** Reports to other domains about our connections to them. */
export interface ReportOptions {
  /** RFC 8460. */
  readonly tls: boolean
  /** Our address that reports come from, and that receives questions about them. */
  readonly contact: string
}

/** Part of `[transfer]`. */
export interface TransportOptions {
  /** The address families of other hosts to use, and which one first. */
  readonly addressFamilies: AddressFamilies
  /** Whether MTA-STS policies of domains are used. RFC 8461. */
  readonly mtaSts: boolean
  /** The port of MX hosts; tests use others. */
  readonly smtpPort: number
}

export const transportDefaults: TransportOptions = {
  addressFamilies: 'ipv4First',
  mtaSts: true,
  smtpPort: 25,
}
