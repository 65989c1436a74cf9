/** Builds the rooms that mail passes through: delivery, queue and transport, with their shared tools. */
import type { Live } from '../base/live.ts'
import type { Resolver } from '../base/resolver.ts'
import { Wheel } from '../base/wheel.ts'
import type { Config } from '../config/config.ts'
import type { AcceptTools } from '../delivery/accept.ts'
import { FairOrder } from '../delivery/fair-order.ts'
import { MailFigures, MailLog } from '../delivery/mail-log.ts'
import { Receiver } from '../delivery/receiver.ts'
import { signAnew } from '../delivery/sign-anew.ts'
import { Rewriter } from '../delivery/rewrite/rewriter.ts'
import { SigningKeys } from '../delivery/signing.ts'
import { openTraceFolder } from '../delivery/trace-folder.ts'
import { FileTrace, silentTrace, type Trace } from '../delivery/trace.ts'
import { AccountWatch } from '../directory/account-watch.ts'
import type { Authenticator } from '../protocol/sasl/authenticator.ts'
import type { WaitingFor } from '../protocol/smtp/backend.ts'
import { StoreAccountGuard } from '../admin/account-guard.ts'
import { flushWaiting } from '../admin/flush.ts'
import type { TransferOptions } from '../transport/options.ts'
import { Queue } from '../queue/queue.ts'
import type { Transports } from '../queue/transport.ts'
import type { Store } from '../store/store.ts'
import { withHosts } from '../transport/hosts.ts'
import { LocalTransport } from '../transport/local.ts'
import { SmtpTransport } from '../transport/smtp/smtp-transport.ts'
import { openChecks } from './checks.ts'
import type { People } from './directory.ts'
import { WatchedResolver } from './health-checks.ts'
import type { Lifetime } from './lifetime.ts'
import { openPolicies, openReports, ownAddresses, ownPlaces } from './outbound.ts'
import type { Platform } from './platform.ts'
import type { Settings } from './settings.ts'
import type { Listening } from './types.ts'

export interface MailTools {
  readonly platform: Platform
  readonly settings: Settings
  readonly store: Store
  readonly life: Lifetime
  readonly people: People
  /** The open listeners: mail to them would come back to us. */
  readonly listening: () => readonly Listening[]
}

/** Tools shared by all rooms of mail. */
export interface SharedTools {
  readonly tools: AcceptTools & { readonly options: Live<TransferOptions>; readonly accountGuard: StoreAccountGuard }
  readonly mailFigures: MailFigures
  readonly watchedResolver: WatchedResolver
  readonly resolver: Resolver
  readonly signingKeys: SigningKeys
  readonly wheel: Wheel
}

/** Trace, metrics, account guard and other shared tools. */
export async function openShared({ platform, settings, store, life, people }: MailTools): Promise<SharedTools> {
  const { clock, random, files, log } = platform
  const { data } = settings.config.now
  const mailFigures = new MailFigures()
  const file: Trace =
    data === ':memory:' ? silentTrace : new FileTrace(await openTraceFolder(files, data, log), files, clock, log)
  const trace = new MailLog(file, { clock, log, figures: mailFigures })
  life.ends('trace', 'inside', () => trace.flush())
  const watchOptions = (): Config['accountWatch'] => settings.config.now.accountWatch
  const basic = {
    ...{ store, clock, random, log, trace, addresses: people.directory },
    options: settings.of('transfer'),
    fairOrder: new FairOrder(),
  }
  const accountGuard = new StoreAccountGuard(
    { ...basic, watchOptions },
    (suspected) => new AccountWatch({ clock, options: watchOptions, suspected }),
  )
  const watchedResolver = new WatchedResolver(platform.resolver)
  const resolver = withHosts(() => settings.config.now.dns, watchedResolver)
  const signingKeys = new SigningKeys(store.read)
  return {
    tools: { ...basic, accountGuard },
    mailFigures,
    watchedResolver,
    resolver,
    signingKeys,
    wheel: new Wheel(clock),
  }
}

/** The queue and its transports, with MTA-STS policies and TLS reports. */
export async function openQueue(of: MailTools, { tools, resolver, signingKeys, wheel }: SharedTools): Promise<Queue> {
  const { platform, settings, life, listening } = of
  const { network, httpClient } = platform
  const { authorities, routes } = settings
  const sts = openPolicies({ ...tools, resolver, httpClient, authorities })
  life.ends('policies', 'outside', () => sts.timer.cancel())
  const reports = settings.of('reports')
  const { notes: tlsNotes, reporter } = await openReports({ ...tools, resolver, httpClient, signingKeys, reports })
  life.ends('reports', 'outside', () => reporter.stop())
  const hosts = new SmtpTransport({
    ...tools,
    ...{ network, resolver, wheel, routes, authorities, sts, tlsNotes },
    rules: settings.of('destinations'),
    isOurs: ownPlaces(listening, platform.ownAddresses),
    signAnew: (before, after) => signAnew({ ...tools, signingKeys }, before, after),
  })
  // Which destination goes by which transport.
  const transports: Transports = { domain: hosts, host: hosts, lmtp: hosts, local: new LocalTransport(tools) }
  const queue = new Queue({ ...tools, transports })
  life.ends('queue', 'outside', (graceMs) => queue.stop(graceMs))
  return queue
}

/** Accepts messages of SMTP, submission and LMTP. */
export function openReceiver(
  { platform, settings, store, listening }: MailTools,
  { tools, resolver, signingKeys, wheel }: SharedTools,
  queue: Queue,
  authenticator: Authenticator,
): Receiver {
  const { clock, random, log } = platform
  const options = settings.of('transfer')
  const { config } = settings
  const rewriter = new Rewriter(settings.of('rewrite'), () => options.now.subaddressDelimiter)
  const checks = openChecks({
    ...tools,
    ...{ wheel, rewriter },
    networks: { clock, log, options: () => config.now.smtp, networks: () => config.now.limits },
    relay: settings.of('relay'),
    authenticity: {
      ...{ resolver, clock, random },
      hostname: config.now.hostname,
      options: settings.of('authenticity'),
      rules: settings.of('senderRules'),
    },
    contentRules: settings.of('checks'),
    withChecks: platform.withChecks,
  })
  const flush = async (node: WaitingFor): Promise<number> => {
    const count = await flushWaiting({ store, clock }, node)
    queue.wake()
    return count
  }
  return new Receiver({
    ...tools,
    ...{ checks, rewriter, signingKeys, authenticator, flush },
    isOwnAddress: ownAddresses(listening, platform.ownAddresses),
    immediateDelivery: queue,
  })
}
