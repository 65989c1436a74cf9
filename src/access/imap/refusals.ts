/** Errors of the store as IMAP's response codes. RFC 5530, RFC 9051 §7.1. */
import { ImapRefusal, type ImapCode } from '../../protocol/imap/backend.ts'
import { StoreFault, StoreRefusal, type StoreRefusalCode } from '../../store/store.ts'

const codes: Readonly<Record<StoreRefusalCode, ImapCode>> = {
  noSuchMailbox: 'NONEXISTENT',
  noSuchAccount: 'UNAVAILABLE',
  noSuchDomain: 'UNAVAILABLE',
  noSuchAlias: 'UNAVAILABLE',
  noSuchEntry: 'UNAVAILABLE',
  accountDisabled: 'UNAVAILABLE',
  changed: 'UNAVAILABLE',
  nameTaken: 'ALREADYEXISTS',
  nameBad: 'CANNOT',
  notAllowed: 'CANNOT',
  hasChildren: 'HASCHILDREN',
  overQuota: 'OVERQUOTA',
  tooManyMailboxes: 'LIMIT',
  tooManyKeywords: 'LIMIT',
  leaseLost: 'UNAVAILABLE',
  notReadable: 'UNAVAILABLE',
  searchTooLong: 'LIMIT',
}

export function refusalOf(error: unknown): unknown {
  if (error instanceof StoreRefusal) return new ImapRefusal(codes[error.code], error.message)
  if (error instanceof StoreFault && error.full)
    return new ImapRefusal('UNAVAILABLE', 'No room on the disk, try again later')
  return error
}

/** Waits for the store; what it refuses becomes a NO with a code. */
export async function translated<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw refusalOf(error)
  }
}
