/** What an account refuses: the same in every engine. */
import { StoreRefusal } from './store.ts'

interface Receiver {
  readonly name: string
  readonly disabled: boolean | number
  readonly quotaBytes: number
  readonly usedBytes: number
}

/** A client may still put messages into its mailboxes (APPEND); mail for it is not accepted. */
export function checkReceives({ name, disabled }: Receiver): void {
  if (disabled) throw new StoreRefusal('accountDisabled', `${name} is disabled`)
}

export function checkQuota({ name, quotaBytes, usedBytes }: Receiver, bytes: number): void {
  if (quotaBytes > 0 && usedBytes + bytes > quotaBytes) throw new StoreRefusal('overQuota', `${name} is over quota`)
}
