/** A client's way through a SOCKS5 proxy. RFC 1928, RFC 1929. */
import type { Network } from '../../base/network.ts'
import { hostAddresses } from '../../platform/real/host-addresses.ts'
import { realNetwork } from '../../platform/real/network.ts'
import { realResolver } from '../../platform/real/resolver.ts'
import { throughProxy } from '../../transport/smtp/socks.ts'
import { clientTools } from './tools.ts'

export interface SmtpProxy {
  readonly host: string
  readonly port: number
  /** With `password`, where it wants one. */
  readonly username?: string
  readonly password?: string
  /** It is told the server's name and looks it up itself, as `socks5h:` means elsewhere: for networks where nobody else can. */
  readonly resolvesNames?: boolean
}

/** Each may take the whole time that connecting may take. */
const addressesMax = 4

/** Unless it resolves names, the proxy is told addresses: the server's name is looked up here, and what it leads to is tried in turn. */
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
