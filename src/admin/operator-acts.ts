/** Operations on many waiting recipients at once, some of which may have ended since they were read. */
import type { Operation } from '../store/operations.ts'
import { StoreRefusal, type Store } from '../store/store.ts'

/** One commit; or one each, in one group, if some of the recipients have ended since. @returns the number changed. */
export async function commitWaiting(store: Store, operations: readonly Operation[]): Promise<number> {
  if (operations.length === 0) return 0
  if (await isCommitted(store, operations)) return operations.length
  const done = await Promise.all(operations.map((operation) => isCommitted(store, [operation])))
  return done.filter(Boolean).length
}

async function isCommitted(store: Store, operations: readonly Operation[]): Promise<boolean> {
  try {
    await store.commit(operations)
    return true
  } catch (error) {
    if (error instanceof StoreRefusal && error.code === 'noSuchEntry') return false
    throw error
  }
}
