/** What the SMTP transcripts ask of their surroundings: the real receiver on a store in memory. */
import assert from 'node:assert/strict'
import type { Clock } from '../../src/base/clock.ts'
import { parseIpNetwork } from '../../src/base/ip-network.ts'
import { silentLog } from '../../src/base/log.ts'
import type { Random } from '../../src/base/random.ts'
import { readSliceBytes } from '../../src/mail/content.ts'
import { passwordMechanisms } from '../../src/protocol/sasl/mechanisms.ts'
import type { SmtpService } from '../../src/protocol/smtp/backend.ts'
import { smtpDefaults } from '../../src/protocol/smtp/policy.ts'
import { SmtpServerSession } from '../../src/protocol/smtp/session.ts'
import type { SmtpServerOptions } from '../../src/protocol/smtp/options.ts'
import { openStore } from '../../src/store/sqlite/engine.ts'
import type { Store } from '../../src/store/store.ts'
import { silentTrace } from '../../src/delivery/trace.ts'
import { transferDefaults, type TransferOptions } from '../../src/transport/options.ts'
import { StoreDirectory } from '../../src/directory/store-directory.ts'
import { FairOrder } from '../../src/delivery/fair-order.ts'
import { flushWaiting } from '../../src/admin/flush.ts'
import { Receiver } from '../../src/delivery/receiver.ts'
import { openChecks } from '../../src/system/checks.ts'
import type { TranscriptHost } from './run.ts'
import { exampleMechanisms } from './sasl-examples.ts'

/** Users of the transcripts, from RFC 5321 appendix D; everybody's password is `secret`. */
export const users = ['jones@foo.com', 'brown@foo.com', 'bigjones@foo.com', 'full@foo.com'] as const

const nowMs = Date.UTC(2024, 0, 15, 12)

/** Time stands still, so that a dialogue says the same whenever it runs. */
export const stillClock: Clock = {
  now: () => nowMs,
  monotonic: () => 0,
  after: () => ({ cancel() {} }),
  soon: (run) => void setImmediate(run),
}

/** Nobody waits: what is to happen later happens at once. */
const hastyClock: Clock = {
  ...stillClock,
  after(_, run) {
    setImmediate(run)
    return { cancel() {} }
  },
}

export function repeatableRandom(): Random {
  let state = 1
  const below = (end: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * end)
  }
  return { bytes: (length) => Uint8Array.from({ length }, () => below(256)), below }
}

export async function smtpStore(): Promise<Store> {
  const store = await openStore({ folder: ':memory:', clock: stillClock, log: silentLog })
  await store.commit([{ kind: 'domainAdd', name: 'foo.com' }])
  const mailboxes = [{ name: 'INBOX', role: 'inbox' as const }]
  await store.commit(
    users.map((name) => ({
      kind: 'accountAdd' as const,
      name,
      quotaBytes: name.startsWith('full') ? 1 : 0,
      mailboxes,
      nowMs,
    })),
  )
  await store.commit([{ kind: 'aliasSet', address: 'postmaster@foo.com', targets: ['jones@foo.com'] }])
  return store
}

/** The bytes of everything in an INBOX, oldest first. */
export async function messagesOf(store: Store, user: string): Promise<string[]> {
  const mailbox = (await store.read.user(user))!.inbox
  const table = await store.read.table(mailbox)
  const { uids, count } = table.view()
  const found: string[] = []
  for await (const page of store.read.rows(mailbox, uids.slice(0, count), { bytes: true })) {
    for (const { bytes } of page) {
      const parts: Uint8Array[] = []
      for (let at = 0; at < bytes!.sizeBytes; at += readSliceBytes)
        parts.push(await bytes!.read(at, Math.min(at + readSliceBytes, bytes!.sizeBytes)))
      found.push(Buffer.concat(parts).toString('latin1'))
    }
  }
  table.release()
  return found
}

/** Content from its first line to its end; ` *` stands for the rest of a line. */
function endOf(content: string): RegExp {
  const source = content.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(' \\*\r\n', ' [^\r\n]*\r\n')
  return new RegExp(`(?:^|\n)${source}$`)
}

export interface SmtpSurroundings {
  readonly host: TranscriptHost
  readonly store: Store
}

/**
 * `! service NAME` and `! option NAME VALUE` hold for the connections to come; `! transfer NAME VALUE` is the receiver's.
 * `! mechanisms examples`: those of the RFCs' examples, its user being jones.
 * `! filed USER N` counts the messages of an INBOX; `!|` lines are the end of the last one.
 * `! prefix USER` compares the beginning of the last one. `! queued ADDRESS …` names what waits for transfer, and nothing else does.
 * `! parameters ADDRESS JSON` compares what waits with it; `! begins ADDRESS TIME` tells when it is first tried.
 * `! xclient NETWORK …` may say whom they speak for. `! trace USER WORDS` compares the Received field of the last message of an INBOX.
 * `! origin JSON` compares what XFORWARD said of the last message.
 * `! alias ADDRESS TARGET …` makes one. `! quota USER BYTES` sets what fits a mailbox; 0: anything.
 */
export async function smtpHost(): Promise<SmtpSurroundings> {
  const store = await smtpStore()
  const clock = stillClock
  const random = repeatableRandom()
  let transfer: TransferOptions = { ...transferDefaults, hostname: 'foo.com' }
  const authenticator = {
    async verifyPassword(name: string, password: string) {
      const account = await store.read.user(name)
      return account && password === 'secret' ? { accountId: account.id, name: account.name } : null
    },
  }
  const vouched = {
    async signInVouched([address]: readonly string[]) {
      const account = await store.read.user(address!)
      return account ? { accountId: account.id, name: account.name } : null
    },
  }
  let origin: unknown
  const fairOrder = new FairOrder()
  let options: Omit<SmtpServerOptions, 'receiver'> = {
    service: 'smtp',
    hostname: 'foo.com',
    mechanisms: passwordMechanisms,
    startTls: false,
    plaintextAuth: false,
    messageBytesMax: transfer.messageBytesMax,
    vouched,
    connectionId: '1',
  }
  let policy = smtpDefaults
  const host: TranscriptHost = {
    open() {
      const receiverOptions = { now: transfer }
      const addresses = new StoreDirectory(store.read, clock)
      return new SmtpServerSession({
        ...options,
        policy,
        receiver: new Receiver({
          store,
          addresses,
          checks: openChecks({ store, addresses, options: receiverOptions, clock, log: silentLog }),
          clock,
          fairOrder,
          random,
          log: silentLog,
          trace: { ...silentTrace, arrived: ({ client }) => void (origin = client.origin) },
          options: receiverOptions,
          authenticator,
          flush: (node) => flushWaiting({ store, clock }, node),
        }),
      })
    },
    close: () => void store.close(),
    async prepare(words, content) {
      const [verb, ...rest] = words.split(' ')
      if (verb === 'service') options = { ...options, service: rest[0] as SmtpService }
      else if (verb === 'option') options = { ...options, [rest[0]!]: JSON.parse(rest[1]!) }
      else if (verb === 'policy') policy = { ...policy, [rest[0]!]: JSON.parse(rest[1]!) }
      else if (verb === 'trusted') options = { ...options, trusted: () => true }
      else if (verb === 'time') options = { ...options, clock: { ...hastyClock, now: () => Date.parse(rest[0]!) } }
      else if (verb === 'xclient') policy = { ...policy, xclientFrom: rest.map((text) => parseIpNetwork(text)!) }
      else if (verb === 'mechanisms') {
        const { id, name } = (await store.read.user('jones@foo.com'))!
        options = { ...options, mechanisms: exampleMechanisms({ accountId: id, name }) }
      } else if (verb === 'transfer') transfer = { ...transfer, [rest[0]!]: JSON.parse(rest[1]!) }
      else if (verb === 'alias') await store.commit([{ kind: 'aliasSet', address: rest[0]!, targets: rest.slice(1) }])
      else if (verb === 'quota')
        await store.commit([{ kind: 'accountSet', name: rest[0]!, quotaBytes: Number(rest[1]) }])
      else if (verb === 'filed') {
        const messages = await messagesOf(store, rest[0]!)
        assert.equal(messages.length, Number(rest[1]), words)
        if (content.length > 0) assert.match(messages.at(-1)!, endOf(content.toString('latin1')), words)
      } else if (verb === 'prefix') {
        const start = content.toString('latin1')
        assert.equal((await messagesOf(store, rest[0]!)).at(-1)!.slice(0, start.length), start, words)
      } else if (verb === 'trace') {
        const [, received] = /^Received: (.*? with \S+)/ms.exec((await messagesOf(store, rest[0]!)).at(-1)!)!
        assert.equal(received!.replace(/\s+/g, ' '), rest.slice(1).join(' '), words)
      } else if (verb === 'origin') {
        assert.deepEqual(origin ?? null, JSON.parse(rest.join(' ')), words)
      } else if (verb === 'queued') {
        const waiting = (await store.read.queue(0, 100)).map(({ address }) => address)
        assert.deepEqual(waiting.sort(), rest.filter((address) => address !== '').sort(), words)
      } else if (verb === 'parameters' || verb === 'begins') {
        const row = (await store.read.queue(0, 100)).find(({ address }) => address === rest[0])
        assert.ok(row, words)
        if (verb === 'begins') assert.equal(new Date(row.nextAttemptMs).toISOString(), rest[1], words)
        else
          for (const [key, value] of Object.entries(JSON.parse(rest[1]!) as object))
            assert.deepEqual(row.parameters[key as keyof typeof row.parameters], value, words)
      } else throw new Error(`unknown: ${words}`)
    },
  }
  return { host, store }
}
