/**
 * What the event loop does, for the line of the watchdog (`system/watchdog.ts`): the newest few things that began. Set before the part of
 * some work that does not wait; one store, since it stands before each command.
 */

/** Said when it is wanted: what a session does changes, and costs nothing to keep. */
export type Doing = string | { readonly doing?: string | undefined }

const keptMax = 8

const kept: Doing[] = []
let count = 0

export function running(doing: Doing): void {
  kept[count++ % keptMax] = doing
}

/** How many things have begun. */
export function begun(): number {
  return count
}

/** What has begun since that many had, oldest first, each once; of many the last. */
export function begunSince(before: number): string[] {
  const names = new Set<string>()
  for (let n = Math.max(before, count - keptMax); n < count; n++) {
    const doing = kept[n % keptMax]!
    const name = typeof doing === 'string' ? doing : doing.doing
    // The newest stands last.
    if (name !== undefined) names.delete(name)
    if (name !== undefined) names.add(name)
  }
  return [...names]
}
