/** `pennypost trace`: what happened to a message, from its arrival to its outcome. */
import { sleep } from '../base/clock.ts'
import { realClock } from '../platform/real/clock.ts'
import type { Terminal } from '../platform/real/terminal.ts'
import type { Owner } from '../admin/owner.ts'
import { timePrefix } from '../store/arrival-id.ts'
import type { LedgerRow } from '../store/entities.ts'
import {
  dataFolderOf,
  examples,
  jsonOption,
  placeOptions,
  readCount,
  readDuration,
  UsageFault,
  withOwner,
  type PlaceOptions,
} from './context.ts'
import type { Subcommand } from './subcommand.ts'
import { followedText, traceJson, traceText, type Traced } from './trace-text.ts'

/** Messages shown unless --limit says otherwise. */
const messagesDefault = 20
/** How often --follow reads. Lines are written some 200 ms after the event. */
const followEveryMs = 250
/** Ids in one request to the ledger. */
const askedMax = 100

interface TraceOptions extends PlaceOptions {
  readonly json?: boolean
  readonly since?: string
  readonly from?: string
  readonly to?: string
  readonly limit?: string
  readonly follow?: boolean
}

interface Span {
  readonly sinceMs?: number
  readonly untilMs?: number
}

export const trace: Subcommand = (program, terminal, fail) => {
  examples(
    jsonOption(
      placeOptions(
        program
          .command('trace')
          .description('show the trace of a message: what happened to it, and the outcome for each recipient')
          .argument('[question]', 'a message id, an address of sender or recipient, @domain, a Message-ID, a peer'),
      ),
    )
      .option('--since <time>', 'only messages that are no older than this, as 1h or 2d')
      .option('--from <time>', 'only from this time on, as 2026-02-01 or 2026-02-01T12:00 (UTC)')
      .option('--to <time>', 'only until this time')
      .option('--follow', 'show events as they happen, until Ctrl-C')
      .option('--limit <count>', `show this many messages, the newest ones (default ${messagesDefault})`),
    'pennypost trace alice@example.org',
    'pennypost trace "<20260201.1@example.org>" --json',
    'pennypost trace @example.net --since 1d',
    'pennypost trace --since 10m',
    'pennypost trace --follow',
    'pennypost trace --follow @example.net --json',
    'pennypost trace alice@example.org --from 2026-02-01T12:00 --to 2026-02-01T13:00',
  ).action(async (question: string | undefined, options: TraceOptions) => {
    if (options.follow) return follow(question?.trim(), options, terminal)
    const span = await spanOf(options)
    if (question === undefined && span.sinceMs === undefined)
      throw new UsageFault('Say what to look for: an id, an address or a Message-ID, or a time with --since or --from')
    const limit = options.limit === undefined ? messagesDefault : readCount('--limit', options.limit)
    const { found, more } = await find(question?.trim(), span, limit, options)
    if (options.json) terminal.out(`${JSON.stringify(found.map(traceJson), null, 1)}\n`)
    else for (const message of found) terminal.out(traceText(message))
    if (more)
      terminal.note(
        `There are more messages; these are the newest ${limit}. --limit shows more, --from and --to choose others.\n`,
      )
    if (found.length > 0) return
    const what = question === undefined ? 'that time' : `"${question}"`
    terminal.note(
      `No messages found for ${what}. Traces are kept for 30 days. Outcomes are kept for a year: search by the id that Received shows, or by address with --since 300d.\n`,
    )
    fail(1)
  })
}

/** Prints new lines, as text or JSON. Reads the file, without asking the server. */
async function follow(question: string | undefined, options: TraceOptions, terminal: Terminal): Promise<void> {
  for (const name of ['since', 'from', 'to', 'limit'] as const)
    if (options[name] !== undefined)
      throw new UsageFault(`--follow shows new events only and cannot be used with --${name}`)
  const [{ TraceFollower }, { findTraceFolder }, { realFiles }] = await Promise.all([
    import('../delivery/trace-follow.ts'),
    import('../delivery/trace-folder.ts'),
    import('../platform/real/files.ts'),
  ])
  const folder = await findTraceFolder(realFiles, await dataFolderOf(options))
  const follower = new TraceFollower({ files: realFiles, folder, clock: realClock }, question)
  await follower.start()
  const ended = new AbortController()
  const ignored = (['SIGINT', 'SIGTERM'] as const).map((name) => terminal.onSignal(name, () => ended.abort()))
  while (!ended.signal.aborted) {
    const lines = await follower.next()
    for (const line of lines) terminal.out(options.json ? `${JSON.stringify(line)}\n` : followedText(line))
    if (lines.length === 0) await sleep(realClock, followEveryMs, ended.signal)
  }
  for (const ignore of ignored) ignore()
}

async function spanOf({ since, from, to }: TraceOptions): Promise<Span> {
  if (since !== undefined && from !== undefined) throw new UsageFault('Use either --since or --from')
  const sinceMs = since === undefined ? undefined : realClock.now() - (await readDuration('--since', since))
  const span = {
    sinceMs: from === undefined ? sinceMs : readTime('--from', from),
    untilMs: to === undefined ? undefined : readTime('--to', to),
  }
  if ((span.sinceMs ?? 0) > (span.untilMs ?? Infinity))
    throw new UsageFault('--to must be later than --from or --since')
  return span
}

/** UTC without a zone, like the times that trace prints. */
function readTime(option: string, text: string): number {
  const found = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?)?$/.exec(text)
  const time = found ? Date.parse(`${found[1]}T${found[2] ?? '00:00'}${found[3] ?? 'Z'}`) : NaN
  if (Number.isNaN(time))
    throw new UsageFault(`${option} must be a time, as 2026-02-01 or 2026-02-01T12:00, not "${text}"`)
  return time
}

async function find(
  question: string | undefined,
  span: Span,
  limit: number,
  options: TraceOptions,
): Promise<{ found: Traced[]; more: boolean }> {
  const [{ findTraces, tracesOf, reportsAbout, timeOf }, { findTraceFolder }, { realFiles }] = await Promise.all([
    import('../delivery/trace-search.ts'),
    import('../delivery/trace-folder.ts'),
    import('../platform/real/files.ts'),
  ])
  const folder = await findTraceFolder(realFiles, await dataFolderOf(options))
  return withOwner(options, async (owner) => {
    // First, since it also flushes trace lines to the file.
    const asked = await owner.ask('ledger', { arrivalIds: question === undefined ? [] : [question] })
    const noted = await findTraces(realFiles, folder, { text: question, ...span, limit })
    const ended = await fromLedger(owner, question, span, limit)
    const known = asked.rows.length > 0 ? [question!] : []
    // Ids begin with their time: the newest ones, in order of arrival.
    const all = [...new Set([...known, ...noted.ids, ...ended.ids])].sort()
    const ids = all.slice(-limit)
    const traces = await tracesOf(realFiles, folder, ids)
    const rows: LedgerRow[] = []
    for (let at = 0; at < ids.length; at += askedMax) {
      rows.push(...(await owner.ask('ledger', { arrivalIds: ids.slice(at, at + askedMax) })).rows)
    }
    const asMessageId = (id: string): string | undefined =>
      traces.get(id)!.find(({ event }) => event === 'arrived')?.['messageId'] as string | undefined
    const messageIds = new Set(ids.flatMap((id) => asMessageId(id) ?? []))
    const reports =
      messageIds.size === 0 ? [] : await reportsAbout(realFiles, folder, messageIds, Math.min(...ids.map(timeOf)))
    const found = ids.map((id) => ({
      id,
      trace: [...traces.get(id)!, ...reports.filter((line) => line.id !== id && line['messageId'] === asMessageId(id))],
      ledger: rows.filter(({ arrivalId }) => arrivalId === id),
    }))
    return { found, more: noted.more || ended.more || all.length > limit }
  })
}

/** From the ledger, for messages whose trace has expired: by recipient or time, if a time limits the work. */
async function fromLedger(
  owner: Owner,
  question: string | undefined,
  { sinceMs, untilMs }: Span,
  limit: number,
): Promise<{ ids: string[]; more: boolean }> {
  const isAddress = question !== undefined && /^[^@<>\s]+@[^@<>\s]+$/.test(question)
  if (sinceMs === undefined || (question !== undefined && !isAddress)) return { ids: [], more: false }
  const before = timePrefix((untilMs ?? realClock.now() + 60_000) + 1)
  let ids: string[] = []
  let more = false
  for (let after: string | undefined = timePrefix(sinceMs); after !== undefined;) {
    const page: { readonly rows: readonly LedgerRow[]; readonly next?: string } = await owner.ask('ledgerFind', {
      after,
      before,
      ...(question === undefined ? {} : { recipient: question }),
    })
    ids = [...new Set([...ids, ...page.rows.map(({ arrivalId }) => arrivalId)])]
    more ||= ids.length > limit
    ids = ids.slice(-limit)
    after = page.next
  }
  return { ids, more }
}
