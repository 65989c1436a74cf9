/** The outside world of a system: the real one, or the simulator's. */
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import type { Files } from '../base/files.ts'
import type { HttpClient } from '../base/http-client.ts'
import type { HttpServer } from '../base/http.ts'
import type { OpenLdap } from '../base/ldap.ts'
import type { Log } from '../base/log.ts'
import type { Network, TlsServer } from '../base/network.ts'
import type { Random } from '../base/random.ts'
import type { Resolver } from '../base/resolver.ts'
import type { Check } from '../checks/check.ts'
import type { Config } from '../config/config.ts'
import { loadCertificates, loadText } from '../platform/real/certificates.ts'
import { realClock } from '../platform/real/clock.ts'
import { realFiles } from '../platform/real/files.ts'
import { realHttpClient } from '../platform/real/http-client.ts'
import { realHttp } from '../platform/real/http.ts'
import { openLdap } from '../platform/real/ldap.ts'
import { realNetwork } from '../platform/real/network.ts'
import { ownAddresses } from '../platform/real/own-addresses.ts'
import { processFigures, type ProcessFigures } from '../platform/real/process-figures.ts'
import { realRandom } from '../platform/real/random.ts'
import { realResolver } from '../platform/real/resolver.ts'
import { RealTls, type CertificatePair } from '../platform/real/tls.ts'
import type { StepWatch } from './lifetime.ts'
import { unixNetwork } from '../platform/real/unix-network.ts'

export interface Platform {
  readonly clock: Clock
  readonly random: Random
  readonly network: Network
  /** Unix sockets by path; undefined if not available. */
  readonly unixNetwork?: (path: string) => Network
  readonly http: HttpServer
  readonly httpClient: HttpClient
  /** undefined if LDAP is not available. */
  readonly openLdap?: OpenLdap
  readonly files: Files
  readonly resolver: Resolver
  /** The addresses of this machine. */
  ownAddresses(): readonly string[]
  readonly log: Log
  /** Tests make steps of a start, a reload or a stop fail. */
  readonly watchSteps?: StepWatch
  /** Tests add checks to ours. */
  readonly withChecks?: (ours: readonly Check[]) => readonly Check[]
  /** Turns of the real event loop are watched: virtual time is never late. */
  readonly hasRealTime?: boolean
  /** undefined: there is no process of its own. */
  readonly process?: ProcessFigures
  /** Opens the configured certificates; a certificate of our own gets these `names`. */
  openTls(config: Config, names: readonly string[]): Promise<SystemTls>
}

/** Certificates that can be reloaded while connections stay open. */
export interface SystemTls extends TlsServer {
  /** For listeners with sign-in: asks clients for a certificate, if configured. */
  readonly forUsers: TlsServer
  /** The certificate (DER) in use for a name. */
  shown(name: string): Uint8Array | undefined
  /** Throws, and keeps the old certificates, when the new ones cannot be used. */
  reload(config: Config): Promise<void>
}

function isInside(folder: string, path: string): boolean {
  return path.startsWith(join(folder, '/'))
}

export function realPlatform(config: Config, log: Log): Platform {
  return {
    clock: realClock,
    hasRealTime: true,
    process: processFigures,
    random: realRandom,
    network: realNetwork,
    // In the data folder only for our own user, elsewhere for all users of the machine: docs/config.md, submitSocket.
    unixNetwork: (path) => unixNetwork(path, isInside(config.data, path) ? 0o600 : 0o666),
    http: realHttp,
    httpClient: realHttpClient,
    openLdap,
    files: realFiles,
    resolver: realResolver(config.dns.servers, config.dns),
    ownAddresses,
    log,
    async openTls(first, names) {
      const load = async ({ tls, data, auth }: Config): Promise<[CertificatePair[], string | undefined]> => [
        await loadCertificates(realFiles, tls, data === ':memory:' ? undefined : data, names, realClock.now()),
        auth.clientCertificates && (await loadText(realFiles, auth.clientCertificates)),
      ]
      const opened = new RealTls(...(await load(first)))
      return Object.assign(opened, { reload: async (config: Config) => opened.load(...(await load(config))) })
    },
  }
}
