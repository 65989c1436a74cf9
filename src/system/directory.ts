/** The directory of users: the store's accounts, with an LDAP directory if configured. */
import type { Directory } from '../directory/directory.ts'
import type { DirectoryOptions } from '../directory/directory-options.ts'
import { LdapDirectory } from '../directory/ldap-directory.ts'
import { StoreDirectory } from '../directory/store-directory.ts'
import { latin1, utf8 } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import type { Files } from '../base/files.ts'
import type { OpenLdap } from '../base/ldap.ts'
import type { Log } from '../base/log.ts'
import { noteUseIn } from '../admin/auth-settings.ts'
import { addResident } from '../admin/provision.ts'
import type { Store } from '../store/store.ts'

export interface People {
  readonly directory: Directory
  /** Users and addresses are not only the store's. */
  readonly isExternal: boolean
  /** The external directory does not answer. */
  away(): boolean
  /** Queries the external directory, so that `away` ends as soon as it answers. */
  probe(): Promise<void>
  close(): void
}

interface Tools {
  readonly clock: Clock
  readonly files: Files
  readonly log: Log
  readonly openLdap?: OpenLdap
}

export async function openPeople(options: DirectoryOptions, tools: Tools, store: Store): Promise<People> {
  const { clock, files, log, openLdap } = tools
  const own = new StoreDirectory(store.read, clock, noteUseIn(store, log))
  if (options.source === 'store')
    return { directory: own, isExternal: false, away: () => false, probe: async () => {}, close() {} }
  if (!openLdap) throw new Error('LDAP is not available on this platform')
  const { urls, startTls, ca, bindDn = '', passwordFile, connectTimeoutMs, timeoutMs } = options
  const read = async (path: string): Promise<Uint8Array> => {
    const bytes = await files.read(path)
    if (!bytes) throw new Error(`A file named in [directory] does not exist: ${path}`)
    return bytes
  }
  const server = openLdap({
    urls,
    startTls,
    ca: ca === undefined ? undefined : latin1(await read(ca)),
    bindDn,
    bindPassword: passwordFile === undefined ? '' : utf8(await read(passwordFile)).replace(/\r?\n[^]*$/, ''),
    connectTimeoutMs,
    timeoutMs,
  })
  const directory = new LdapDirectory({
    server,
    options,
    rows: store.read,
    own,
    clock,
    log,
    makeAccount: (name, quotaBytes) => addResident(store, name, quotaBytes, clock.now()),
    setQuota: async (name, quotaBytes) => void (await store.commit([{ kind: 'accountSet', name, quotaBytes }])),
  })
  return {
    directory,
    isExternal: true,
    away: () => directory.away,
    probe: () => directory.probe(),
    close: () => server.close(),
  }
}
