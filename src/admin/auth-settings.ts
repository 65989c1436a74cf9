/**
 * What authentication keeps in the store besides credentials: a secret that outlives restarts, and settings that
 * commands need.
 */
import { appUsedCredential } from '../directory/app-password.ts'
import type { NoteUse } from '../directory/store-directory.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { StoreRefusal, type Store } from '../store/store.ts'

const secretName = 'authSecret'
const secretBytes = 32

/** The store's secret, created on first use. It yields stable SCRAM salts for unknown users. */
export async function authSecret(store: Store, random: Random): Promise<Uint8Array> {
  const kept = await store.read.setting(secretName)
  if (kept !== undefined) return Buffer.from(kept, 'base64')
  const secret = Buffer.from(random.bytes(secretBytes))
  try {
    const value = secret.toString('base64')
    await store.commit([{ kind: 'settingSet', name: secretName, value, expected: null }])
    return secret
  } catch (error) {
    // Another start has made it meanwhile: that one counts.
    if (error instanceof StoreRefusal && error.code === 'changed') return authSecret(store, random)
    throw error
  }
}

const scramSha1Name = 'scramSha1'

/**
 * Commands that set passwords may run without the configuration (`--data`): the store keeps the server's latest value.
 */
export async function noteScramSha1(store: Store, wanted: boolean): Promise<void> {
  if ((await wantsScramSha1(store)) === wanted) return
  await store.commit([{ kind: 'settingSet', name: scramSha1Name, value: wanted ? 'yes' : 'no' }])
}

export async function wantsScramSha1(store: Store): Promise<boolean> {
  return (await store.read.setting(scramSha1Name)) === 'yes'
}

/** Records the use of an app password, without delaying the sign-in; if it is lost, only a date is. */
export function noteUseIn(store: Store, log: Log): NoteUse {
  return (account, name, atMs) => {
    store
      .commit([{ kind: 'credentialSet', account: account.id, type: appUsedCredential, name, value: String(atMs) }])
      .catch((error: unknown) => log.warn('app password: last use could not be recorded', { error: String(error) }))
  }
}
