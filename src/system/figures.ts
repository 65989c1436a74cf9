/** Builds health checks and metrics of this system. */
import type { AccountAuthenticator } from '../directory/authenticator.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Histogram } from '../base/metrics.ts'
import facts from '../../package.json' with { type: 'json' }
import type { ProcessFigures } from '../platform/real/process-figures.ts'
import type { Acceptor } from '../listen/listen.ts'
import { FiguresPage } from '../web/metrics.ts'
import type { Sessions } from '../access/sessions.ts'
import type { Store } from '../store/store.ts'
import type { StoreAccountGuard } from '../admin/account-guard.ts'
import type { MailFigures } from '../delivery/mail-log.ts'
import type { People } from './directory.ts'
import { Health } from './health.ts'
import {
  certificateCheck,
  clockCheck,
  directoryCheck,
  queueCheck,
  storeChecks,
  type WatchedResolver,
} from './health-checks.ts'

/** Seconds: a healthy event loop is in the first two buckets. */
const loopBounds = [0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5]

export interface FiguresOf {
  readonly clock: Clock
  readonly log: Log
  readonly store: Store
  readonly people: People
  readonly authenticator: Pick<AccountAuthenticator, 'signIns'>
  readonly acceptor: Acceptor
  readonly sessions: Sessions
  readonly mailFigures: MailFigures
  readonly guard: Pick<StoreAccountGuard, 'suspected'>
  readonly resolver: WatchedResolver
  readonly shownCertificate: () => Uint8Array | undefined
  /** undefined: there is no process of its own. */
  readonly process: ProcessFigures | undefined
  /** undefined: all is in memory. */
  readonly dataFolder: string | undefined
}

export function openFigures(of: FiguresOf): {
  readonly health: Health
  readonly figures: FiguresPage
  readonly loopDelay: Histogram
} {
  const { clock, log, store, people, authenticator, acceptor, sessions, mailFigures, resolver, process, dataFolder } =
    of
  const certificate = certificateCheck(of.shownCertificate)
  const health = new Health({ clock, log }, [
    ...storeChecks(store),
    directoryCheck(people, clock),
    resolver.check,
    certificate,
    queueCheck(() => store.read.queueDue(), clock),
    clockCheck(clock),
  ])
  const loopDelay = new Histogram('pennypost_loop_delay_seconds', 'How late turns of the event loop are.', loopBounds)
  const { connections, turnedAway } = acceptor.figures
  const figures = new FiguresPage({
    clock,
    version: facts.version,
    store,
    counted: [
      ...mailFigures.all,
      authenticator.signIns,
      of.guard.suspected,
      connections,
      turnedAway,
      resolver.answers,
      loopDelay,
    ],
    connections: () => acceptor.connectionsBy(),
    sessions: () => sessions.countBy(),
    troubles: () => health.samples(),
    certificateEndMs: () => certificate.endMs(),
    process: process && {
      ...process,
      diskFreeBytes: () => (dataFolder === undefined ? undefined : process.diskFreeBytes(dataFolder)),
    },
  })
  return { health, figures, loopDelay }
}

/** Numbers of records and files that the store has set aside. */
export async function setAside({ quarantine, lost }: Store): Promise<{ quarantined: number; lost: number }> {
  return { quarantined: await quarantine.count(), lost: (await lost()).length }
}
