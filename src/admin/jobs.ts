/** Long-running commands: started by one request, polled by others, so that progress can be shown. */
import { BackupFault } from '../store/sqlite/backup-manifest.ts'
import { StoreFault, StoreRefusal, type Store } from '../store/store.ts'
import { CommandRefusal } from './provision.ts'

export interface JobState<Result = unknown> {
  readonly state: 'running' | 'done' | 'failed'
  /** The current step: `copying`. */
  readonly phase: string
  readonly done: number
  /** 0: not known. */
  readonly total: number
  readonly result?: Result
  readonly fault?: { readonly code: string; readonly text: string }
}

/** Reports progress of a job. */
export type Progress = (phase: string, done: number, total?: number) => void

/** The jobs of a store: one at a time, as each reads or writes much of it; the state of the last one is kept. */
export class Jobs {
  #id = 0
  #state: JobState | undefined
  #name = ''
  #working: Promise<void> = Promise.resolve()

  start(name: string, work: (progress: Progress) => Promise<unknown>): number {
    if (this.#state?.state === 'running') {
      throw new CommandRefusal('busy', `A ${this.#name} is already running: wait until it has ended, then try again`)
    }
    this.#name = name
    this.#state = { state: 'running', phase: '', done: 0, total: 0 }
    this.#working = work((phase, done, total = 0) => {
      this.#state = { state: 'running', phase, done, total }
    }).then(
      (result) => this.#end({ state: 'done', result }),
      (error: unknown) => this.#end({ state: 'failed', fault: faultOf(name, error) }),
    )
    return ++this.#id
  }

  #end(end: Pick<JobState, 'state' | 'result' | 'fault'>): void {
    const { phase, done, total } = this.#state!
    this.#state = { phase, done, total, ...end }
  }

  state(id: number): JobState {
    if (id !== this.#id || !this.#state) throw new CommandRefusal('noSuchJob', 'That job is unknown: start it again')
    return this.#state
  }

  async ended(): Promise<void> {
    await this.#working
  }
}

const known = new WeakMap<Store, Jobs>()

export function jobsOf(store: Store): Jobs {
  let jobs = known.get(store)
  if (!jobs) known.set(store, (jobs = new Jobs()))
  return jobs
}

function faultOf(name: string, error: unknown): { code: string; text: string } {
  if (error instanceof StoreRefusal || error instanceof CommandRefusal) return { code: error.code, text: error.message }
  if (error instanceof BackupFault) return { code: 'backup', text: error.message }
  if (error instanceof StoreFault) return { code: error.full ? 'storeFull' : 'storeFault', text: error.message }
  const { code, message } = error as Error & { code?: string }
  if (code === 'ENOSPC' || /SQLITE_FULL|disk is full/.test(message))
    return {
      code: 'full',
      text: `No space left for the ${name} (${message}): free some space, or name a folder on another disk`,
    }
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM')
    return {
      code: 'denied',
      text: `The ${name} has no permission to write there (${message}): give the server's user access to the folder`,
    }
  return { code: 'failed', text: `The ${name} failed: ${message ?? String(error)}` }
}
