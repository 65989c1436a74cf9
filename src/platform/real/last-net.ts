/** The last net: a fault that nothing caught is told, and ends the process with status 1 in bounded time. */

/** Telling may write to a file that hangs. */
const tellMs = 2000

type Tell = (error: unknown) => unknown

let tell: Tell = (error) => process.stderr.write(`It failed: ${(error as Error)?.stack ?? String(error)}\n`)
let falling = false

function fall(error: unknown): void {
  // A fault while telling of one.
  if (falling) return process.exit(1)
  falling = true
  const end = (): never => process.exit(1)
  setTimeout(end, tellMs)
  // What the process holds is not to be trusted any more: nothing is closed in good order. The store's next start replays its log.
  void Promise.resolve()
    .then(() => tell(error))
    .then(end, end)
}

/** From now on; once a process. */
export function spreadLastNet(): void {
  process.on('uncaughtException', fall)
  process.on('unhandledRejection', fall)
}

/** How it is told from now on. */
export function tellLastFault(how: Tell): void {
  tell = how
}

/** What a command leaves open must not keep it from ending. */
const lingerMs = 1000

/** The command has ended: the process goes when nothing is left to do, or a second later. */
export function endProcess(status: number): void {
  process.exitCode = status
  setTimeout(() => process.exit(status), lingerMs).unref()
}
