/** For commands that read, decide, and write what they decided: if what they read was changed meanwhile, they begin again. */
import { StoreRefusal } from '../store/store.ts'

/** Others would have to change the same thing each time. */
const timesMax = 5

/** @param work reads anew each time; its commit says what it `expected`. */
export async function readAgain<T>(work: () => Promise<T>): Promise<T> {
  for (let n = 1; ; n++) {
    try {
      return await work()
    } catch (error) {
      if (n === timesMax || !(error instanceof StoreRefusal) || error.code !== 'changed') throw error
    }
  }
}
