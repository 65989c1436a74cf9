/** Waits for work that takes long, and shows a person how far it is. */
import { sleep } from '../base/clock.ts'
import { realClock } from '../platform/real/clock.ts'
import type { Terminal } from '../platform/real/terminal.ts'
import type { JobState } from '../admin/jobs.ts'
import type { Owner } from '../admin/owner.ts'
import { CommandFault, sizeText } from './context.ts'

/** Short work is told at once, long work is not asked after all the time. */
const firstAskMs = 20
const askMaxMs = 500

export async function jobEnd<Result>(owner: Owner, terminal: Terminal, job: number): Promise<Result> {
  const line = progressLine(terminal)
  for (let wait = firstAskMs; ; wait = Math.min(askMaxMs, wait * 1.5)) {
    const state = (await owner.ask('jobState', { job })) as JobState<Result>
    if (state.state !== 'running') line.end()
    if (state.state === 'done') return state.result!
    if (state.state === 'failed') throw new CommandFault(state.fault!.text)
    line.show(state)
    await sleep(realClock, wait)
  }
}

export interface ProgressLine {
  show(state: Pick<JobState, 'phase' | 'done' | 'total'>): void
  /** Takes the line away. */
  end(): void
}

/** One line on a terminal, written over; nothing for a script. */
export function progressLine(terminal: Terminal): ProgressLine {
  let width = 0
  const write = (text: string): void => {
    if (!terminal.isPerson) return
    terminal.note(`\r${text.padEnd(width)}${text === '' ? '\r' : ''}`)
    width = text.length
  }
  return {
    show: ({ phase, done, total }) => write(progressText(phase, done, total)),
    end: () => width > 0 && write(''),
  }
}

function progressText(phase: string, done: number, total: number): string {
  if (phase === '') return '…'
  const words = phase === 'bytes' ? sizeText : (count: number) => `${count}`
  const share = total > 0 ? ` of ${words(total)} (${Math.min(100, Math.floor((done / total) * 100))} %)` : ''
  return phase === 'bytes' ? `${words(done)}${share}` : `${words(done)}${share} ${phase}`
}
