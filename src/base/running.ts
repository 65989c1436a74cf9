/**
 * What the event loop works on, for the log line of the watchdog (`system/watchdog.ts`): the last few things that began. Set before
 * synchronous work; a single assignment, since that is before each command.
 */

/** A name, or an object whose `doing` is read only when the name is wanted. */
export type Doing = string | { readonly doing?: string | undefined }

const keptMax = 8

const kept: Doing[] = []
let count = 0

export function running(doing: Doing): void {
  kept[count++ % keptMax] = doing
}

/** How many things have begun so far. */
export function begun(): number {
  return count
}

/** What has begun since the count was `before`: oldest first, each once, only the last few of many. */
export function begunSince(before: number): string[] {
  const names = new Set<string>()
  for (let n = Math.max(before, count - keptMax); n < count; n++) {
    const doing = kept[n % keptMax]!
    const name = typeof doing === 'string' ? doing : doing.doing
    // Deleted first, so that the newest stands last.
    if (name !== undefined) names.delete(name)
    if (name !== undefined) names.add(name)
  }
  return [...names]
}
