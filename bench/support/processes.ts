/** What a tree of processes costs, from /proc: CPU seconds with those that ended, and memory. Linux only. */
import { readdirSync, readFileSync } from 'node:fs'

/** Linux tells process times in hundredths of a second to every program, whatever its kernel counts in (proc(5)). */
const ticksPerSecond = 100

interface ProcessRow {
  readonly pid: number
  readonly parent: number
  /** Own and of reaped children, in ticks. */
  readonly ticks: number
}

function row(pid: number): ProcessRow | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name stands in parentheses and may hold blanks: fields count from behind it; state is field 3 of proc(5).
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0)
    return { pid, parent: Number(fields[1]), ticks }
  } catch {
    // It ended between the listing and the reading.
    return undefined
  }
}

function tree(root: number): ProcessRow[] {
  const rows = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => row(Number(name)) ?? [])
  const found = rows.filter(({ pid }) => pid === root)
  for (let at = 0; at < found.length; at += 1) {
    for (const one of rows) if (one.parent === found[at]!.pid) found.push(one)
  }
  return found
}

/** CPU seconds that the process and all its descendants used so far, ended and reaped ones included. */
export function cpuSeconds(root: number): number {
  return tree(root).reduce((sum, { ticks }) => sum + ticks, 0) / ticksPerSecond
}

/**
 * CPU milliseconds of the threads that run now, to the nanosecond: for what is shorter than a tick. Threads and children that ended
 * between two calls are missed.
 */
export function cpuMsByThreads(root: number): number {
  let ns = 0
  for (const { pid } of tree(root)) {
    try {
      for (const task of readdirSync(`/proc/${pid}/task`))
        ns += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0])
    } catch {
      // Ended meanwhile.
    }
  }
  return ns / 1e6
}

export interface Memory {
  readonly pssKiB: number
  readonly rssKiB: number
  readonly processes: number
}

/** Proportional and resident set of the whole tree; PSS counts shared pages once. */
export function memory(root: number): Memory {
  let pssKiB = 0
  let rssKiB = 0
  const rows = tree(root)
  for (const { pid } of rows) {
    try {
      const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
      pssKiB += Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0)
      rssKiB += Number(/^Rss:\s+(\d+)/m.exec(text)?.[1] ?? 0)
    } catch {
      // Ended meanwhile.
    }
  }
  return { pssKiB, rssKiB, processes: rows.length }
}

/** False while the process runs (a zombie has ended). */
export function hasEnded(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).startsWith('Z')
  } catch {
    return true
  }
}
