/** What the configuration tells the transports, with the reasons for the defaults. */
import type { AddressFamilies } from './address-order.ts'

/** What other domains are told of our connections to them. */
export interface ReportOptions {
  /** RFC 8460. */
  readonly tls: boolean
  /** An address of ours that reports come from, and that can be asked. */
  readonly contact: string
}

/** Part of `[transfer]`. */
export interface TransportOptions {
  /** Which addresses of other hosts are tried, and which first. */
  readonly addressFamilies: AddressFamilies
  /** Whether policies of domains are asked for. RFC 8461. */
  readonly mtaSts: boolean
  /** The port of other people's MX hosts; tests have others. */
  readonly smtpPort: number
}

export const transportDefaults: TransportOptions = {
  addressFamilies: 'ipv4First',
  mtaSts: true,
  smtpPort: 25,
}
