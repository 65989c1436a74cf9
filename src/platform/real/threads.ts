/** Threads that call native code: each ends between two of its tasks, never within a call. */
import { parentPort, Worker, workerData, type TransferListItem } from 'node:worker_threads'

/** A thread that is still busy after this is terminated anyway. */
const endMaxMs = 1000

const endOfTasks = 'end of tasks'

/** The states of a thread's gate, one number that both sides see. */
const open = 0
const closed = 1

export interface Thread {
  readonly worker: Worker
  /** Ends the thread after its present task; tasks not yet begun are dropped. */
  end(): Promise<void>
}

interface Running {
  readonly worker: Worker
  readonly gate: Int32Array
}

const running = new Set<Running>()

function ask({ worker }: Running): void {
  worker.postMessage(endOfTasks)
}

/**
 * The process exits, for whatever reason. Node would stop each thread at once, also within a native call, which may then throw where
 * nothing catches it (N-API in C++): the process would end by SIGABRT instead of with its exit status.
 */
function endAll(): void {
  for (const thread of running) ask(thread)
  const until = performance.now() + endMaxMs
  for (const { gate } of running) Atomics.wait(gate, 0, open, Math.max(0, until - performance.now()))
}

/** Starts a thread whose first file takes its tasks with {@link eachTask}. `data` is cloned, and the thread's `dataOfThread()`. */
export function startThreadAt(file: URL, data: unknown): Thread {
  const gate = new Int32Array(new SharedArrayBuffer(4))
  // Options of the command line are inherited: handed over by name, one that belongs to the whole process would be refused
  // (`node --max-old-space-size=512 bin/pennypost.js serve`).
  const worker = new Worker(file, { workerData: { gate, data } })
  const thread = { worker, gate }
  if (running.size === 0) process.on('exit', endAll)
  running.add(thread)
  const gone = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      running.delete(thread)
      if (running.size === 0) process.removeListener('exit', endAll)
      resolve()
    })
  })
  return {
    worker,
    async end() {
      ask(thread)
      const timer = setTimeout(() => void worker.terminate(), endMaxMs)
      await gone
      clearTimeout(timer)
    },
  }
}

/** In the thread: the data that it was started with. */
export function dataOfThread<T>(): T {
  return (workerData as { data: T }).data
}

/** In the thread: `task` is called with each message, until the thread is to end. @returns what posts an answer. */
export function eachTask<Task, Answer>(
  task: (message: Task) => void,
): (answer: Answer, transfer?: readonly TransferListItem[]) => void {
  const port = parentPort!
  const { gate } = workerData as { gate: Int32Array }
  port.on('message', (message: Task | typeof endOfTasks) => {
    if (message !== endOfTasks) return task(message)
    Atomics.store(gate, 0, closed)
    Atomics.notify(gate, 0)
    process.exit()
  })
  return (answer, transfer = []) => port.postMessage(answer, transfer)
}
