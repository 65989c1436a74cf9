/** What a writer is given of its place. */
import type { Quarantine } from '../contents/quarantine.ts'

export interface WriterOptions {
  /** Free bytes on the disk; below `spareBytes` nothing new is taken. */
  readonly freeBytes: () => number
  readonly spareBytes: number
  readonly memory: boolean
  readonly quarantine: Quarantine
  /** Room on the disk that was kept for this. @returns false when there is none left. */
  readonly giveUpReserve?: () => boolean
}
