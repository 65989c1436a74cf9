/** What a recorded run had promised at a moment, and whether a folder keeps it. */
import type { AccountId } from '../../src/mail/ids.ts'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { flaggedBit } from '../../src/mail/flags.ts'
import { silentLog } from '../../src/base/log.ts'
import { realClock } from '../../src/platform/real/clock.ts'
import { openStore } from '../../src/store/sqlite/engine.ts'
import { verifyFolder } from '../../src/store/sqlite/verify.ts'
import type { Store } from '../../src/store/store.ts'

export class Promised {
  account = 0 as AccountId
  readonly filed = new Set<number>()
  readonly queued = new Set<number>()
  readonly both = new Set<number>()
  readonly mailboxes = new Set<string>()
  /** UIDs of INBOX that an expunge or flag has begun or ended on. */
  readonly expungeBegun = new Set<number>()
  readonly expunged = new Set<number>()
  readonly flagged = new Set<number>()
  readonly uids = new Map<number, number>()
  /** Recipients whose end has begun, with the number of the notice about it; and those whose end was acknowledged. */
  readonly bounceBegun = new Map<number, number>()
  readonly bounced = new Set<number>()
  readonly deferred = new Set<number>()
  readonly relayBegun = new Set<number>()
  readonly relayed = new Set<number>()

  hear(line: string): void {
    const [verb, what, first = '', second = ''] = line.split(' ')
    if (verb === 'begin') {
      if (what === 'expunge') this.expungeBegun.add(Number(second))
      if (what === 'relay') this.relayBegun.add(Number(first))
      if (what === 'bounce') this.bounceBegun.set(Number(first), Number(second))
      return
    }
    if (what === 'account') this.account = Number(first) as AccountId
    if (what === 'file') this.filed.add(Number(first))
    if (what === 'queue') this.queued.add(Number(first))
    if (what === 'bounce') {
      this.bounced.add(Number(first))
      this.filed.add(Number(second))
    }
    if (what === 'relay') this.relayed.add(Number(first))
    if (what === 'defer') this.deferred.add(Number(first))
    if (what === 'both') this.both.add(Number(first))
    if (what === 'mailbox') this.mailboxes.add(first)
    if (what === 'expunge') this.expunged.add(Number(second))
    if (what === 'flag') this.flagged.add(Number(second))
    if (what === 'uid') this.uids.set(Number(first), Math.max(Number(second), this.uids.get(Number(first)) ?? 0))
  }
}

/** Sentences about what is wrong; none when everything promised is there. */
export async function checkAfterCut(folder: string, promised: Promised): Promise<string[]> {
  if (promised.account === 0) return []
  if (!existsSync(join(folder, 'pennypost.db'))) return ['the database is gone']
  let store: Store
  try {
    store = await openStore({ folder, clock: realClock, log: silentLog, segmentBytes: 256 * 1024, spareBytes: 0 })
  } catch (error) {
    return [`the store does not open: ${String(error)}`]
  }
  try {
    const faults = await checkPromises(store, promised)
    if (faults.length > 0) return faults
  } catch (error) {
    return [`reading failed: ${String(error)}`]
  } finally {
    await store.close()
  }
  const report = verifyFolder(folder)
  return report.faults.map((fault) => JSON.stringify(fault))
}

async function checkPromises(store: Store, promised: Promised): Promise<string[]> {
  const { read } = store
  const faults: string[] = []
  const account = await read.accountById(promised.account)
  if (!account) return ['the account is gone']
  const seen = new Map<number, number>()
  const names = new Set<string>()
  for (const mailbox of await read.mailboxes(account.id)) {
    names.add(mailbox.name)
    if ((promised.uids.get(mailbox.id) ?? 0) >= mailbox.uidNext)
      faults.push(`UIDs of ${mailbox.name} would be given again`)
    const table = await read.table(mailbox.id)
    const view = table.view()
    for await (const page of read.rows(mailbox.id, view.uids.slice(0, view.count), { bytes: true })) {
      for (const row of page) {
        const n = await numberOf(Buffer.from(await row.bytes!.read(0, row.bytes!.sizeBytes)))
        if (n === undefined) faults.push(`message ${row.uid} of ${mailbox.name} is damaged`)
        else seen.set(n, (seen.get(n) ?? 0) + 1)
      }
    }
    if (mailbox.name === 'INBOX') {
      view.uids.slice(0, view.count).forEach((uid, i) => {
        if (promised.expunged.has(uid)) faults.push(`expunged message ${uid} is back`)
        if (promised.flagged.has(uid) && !(view.flagsLow[i]! & flaggedBit)) faults.push(`message ${uid} lost its flag`)
      })
    }
    table.release()
  }
  const missing = [...promised.filed, ...promised.both].filter((n) => !seen.has(n))
  // Which number an expunged UID had is not recorded: as many may be missing as expunges have begun.
  if (missing.length > promised.expungeBegun.size) faults.push(`acknowledged messages are gone: ${missing.join(' ')}`)
  for (const [n, count] of seen) if (count > 1) faults.push(`message ${n} is there ${count} times`)
  for (const name of promised.mailboxes) if (!names.has(name)) faults.push(`mailbox ${name} is gone`)
  for (const n of promised.both) if (!names.has(`both${n}`)) faults.push(`commit ${n} is there by half`)
  const waiting = new Map((await read.queue(0, 10_000)).map((row) => [row.address, row]))
  const waits = (n: number): boolean => waiting.has(`r${n}@far.test`)
  for (const n of promised.queued)
    if (!waits(n) && !promised.bounceBegun.has(n) && !promised.relayBegun.has(n))
      faults.push(`queued recipient ${n} is gone`)
  for (const [n, notice] of promised.bounceBegun) {
    if (promised.bounced.has(n)) {
      if (waits(n)) faults.push(`bounced recipient ${n} is back`)
    } else if (waits(n) === seen.has(notice)) faults.push(`recipient ${n} ended by half`)
  }
  for (const n of promised.relayed) if (waits(n)) faults.push(`relayed recipient ${n} is back`)
  for (const n of promised.deferred)
    if (waits(n) && waiting.get(`r${n}@far.test`)!.attempts === 0) faults.push(`the attempt of recipient ${n} is gone`)
  return faults
}

/** The number of a message of the workload, undefined when any byte of it is wrong: its parts tell each other. */
async function numberOf(bytes: Buffer): Promise<number | undefined> {
  const text = bytes.toString('latin1')
  const n = Number(/Subject: m(\d+)\r\n/.exec(text)?.[1])
  if (!text.endsWith(`end ${n}\r\n`)) return undefined
  const start = text.indexOf('\r\n\r\n') + 4
  const lines = text.slice(start, text.length - `end ${n}\r\n`.length)
  const expected = 'line of text\r\n'
  const digest = createHash('sha256').update(lines).digest('hex')
  return digest ===
    createHash('sha256')
      .update(expected.repeat(lines.length / expected.length))
      .digest('hex')
    ? n
    : undefined
}
