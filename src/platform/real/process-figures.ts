/** What the process uses, and what its disk has left. */
import { statfsSync } from 'node:fs'

export interface ProcessFigures {
  readonly startedMs: number
  cpuSeconds(): number
  residentBytes(): number
  heapBytes(): number
  /** What is free for us on the disk of a folder; undefined where it cannot be asked. */
  diskFreeBytes(folder: string): number | undefined
}

export const processFigures: ProcessFigures = {
  startedMs: Math.round(Date.now() - process.uptime() * 1000),
  cpuSeconds() {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  },
  residentBytes: () => process.memoryUsage.rss(),
  heapBytes: () => process.memoryUsage().heapUsed,
  diskFreeBytes(folder) {
    try {
      const { bavail, bsize } = statfsSync(folder)
      return bavail * bsize
    } catch {
      return undefined
    }
  },
}
