/**
 * An alias with a member that does not exist: copies to it are lost, and the sender cannot fix that. The log and the
 * trace note it each time; the alias' owner is told once.
 */
import type { Log } from '../base/log.ts'
import { bounceOperation, type TransferTools } from './file.ts'
import type { Trace } from './trace.ts'
import { atRcpt, decideAddress } from './decide.ts'

interface Tools extends TransferTools {
  readonly trace: Trace
  readonly log: Log
}

export interface MissingMember {
  readonly alias: string
  readonly member: string
}

export async function noteMissingMembers(
  tools: Tools,
  id: string,
  atMs: number,
  missing: readonly MissingMember[],
): Promise<void> {
  const { log, trace } = tools
  for (const { alias, member } of missing) {
    log.warn('alias target does not exist', { id, alias, member })
    trace.note({ id, event: 'missing', alias, member })
    await tellOwner(tools, atMs, { alias, member }).catch((error: unknown) =>
      log.warn('owner of an alias could not be notified', { alias, error: String(error) }),
    )
  }
}

/** `owner-NAME` if it exists, as for mailing lists; else the domain's postmaster. RFC 2142 §5, §6. */
async function tellOwner(tools: Tools, atMs: number, { alias, member }: MissingMember): Promise<void> {
  const { store } = tools
  const told = `missing member ${alias} ${member}`
  if ((await store.read.setting(told)) !== undefined) return
  const domain = alias.slice(alias.lastIndexOf('@') + 1)
  let owner: string | undefined
  for (const address of [`owner-${alias}`, `postmaster@${domain}`]) {
    if (!(await decideAddress(tools, address, atRcpt)).some(({ kind }) => kind !== 'refuse')) continue
    owner = address
    break
  }
  const words = `550 5.1.1 The alias ${alias} names this address, which does not exist: what is sent to the alias does not reach it`
  const notice = await bounceOperation(tools, {
    reversePath: owner ?? '',
    arrivedAtMs: atMs,
    header: `To: ${alias.replace(/[^\x20-\x7e]/g, '?')}`,
    reports: [{ action: 'failed', recipient: member, enhanced: '5.1.1', words }],
  })
  const remember = { kind: 'settingSet', name: told, value: String(atMs) } as const
  await store.commit(notice ? [notice, remember] : [remember])
}
