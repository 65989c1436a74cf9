/** Connections through a SOCKS5 proxy. RFC 1928, RFC 1929. */
import type { Network } from '../../base/network.ts'
import { hostAddresses } from '../../platform/real/host-addresses.ts'
import { realNetwork } from '../../platform/real/network.ts'
import { realResolver } from '../../platform/real/resolver.ts'
import { throughProxy } from '../../transport/smtp/socks.ts'
import { clientTools } from './tools.ts'

export interface SmtpProxy {
  readonly host: string
  readonly port: number
  /** With `password`, for a proxy that requires them. */
  readonly username?: string
  readonly password?: string
  /** The proxy looks up the server's name (`socks5h:` in other programs): for networks without DNS. */
  readonly resolvesNames?: boolean
}

/** Few, since each may take the whole connect timeout. */
const addressesMax = 4

/** Unless the proxy resolves names, they are looked up here, and the addresses are tried in turn. */
export function proxyNetwork(proxy: SmtpProxy): Network {
  const network = throughProxy({ network: realNetwork, resolver: realResolver(), clock: clientTools.clock }, proxy)
  if (proxy.resolvesNames) return network
  return {
    ...network,
    async connect(options) {
      let fault: unknown
      for (const address of (await hostAddresses(options.address)).slice(0, addressesMax)) {
        try {
          return await network.connect({ ...options, address })
        } catch (error) {
          fault = error
        }
      }
      throw fault
    },
  }
}
