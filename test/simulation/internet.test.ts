/**
 * One system and the internet as it is: two hundred domains on thirty hosts with tempers of their own, a DNS that fails at times, clocks
 * that are set, a process that crashes. After days each accepted recipient has ended once; what the ledger says, the hosts say too.
 * SIMULATION_SEEDS: how many; SIMULATION_SEED: the first.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { parseIpNetwork } from '../../src/base/ip-network.ts'
import type { Random } from '../../src/base/random.ts'
import { seededRandom } from '../../src/platform/simulated/random.ts'
import { openStore } from '../../src/store/sqlite/engine.ts'
import type { System } from '../../src/system/types.ts'
import { Peer, type PeerOptions } from '../stories/peer.ts'
import { bytesOfText, messagesIn, World, type NextHop } from '../stories/world.ts'
import { Process } from './process.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const hosts = 30
const domains = 200
const messages = 30
const latencyMaxMs = 200
/** From the host's 250 until it is written down that it came. */
const noteMs = 1000
/** A host that has all of a message thinks about it for so long, whether or not the sender is still there. */
const slowMs = 40_000

const home: NextHop = {
  hostname: 'mx.a.example',
  address: '10.0.0.1',
  domains: ['a.example'],
  mailboxes: ['alice@a.example'],
  transfer: { queueLifetimeMs: 2 * day, transfersMax: 20, transfersPerDestinationMax: 4 },
  config: { trustedNetworks: [parseIpNetwork('198.51.100.0/24')!] },
}

type Temper = (random: Random, world: World, untilMs: number) => Pick<PeerOptions, 'refuse' | 'slowMs' | 'keywords'>

/** What a host does besides taking mail. `bad` addresses exist nowhere. */
const tempers: readonly Temper[] = [
  () => ({}),
  () => ({ keywords: ['PIPELINING', '8BITMIME', 'SIZE 10000000'] }),
  () => ({ slowMs }),
  function greylisting() {
    const seen = new Set<string>()
    return {
      keywords: ['PIPELINING'],
      refuse(stage, line) {
        if (stage !== 'rcpt' || seen.has(line)) return undefined
        seen.add(line)
        return '450 4.7.1 come again'
      },
    }
  },
  function storms(random, world) {
    // Nobody is served for hours, each day.
    const from = random.below(day)
    return {
      refuse: (stage) =>
        (stage === 'greeting' || stage === 'mail') && (world.clock.now() - from) % day < 5 * hour
          ? '421 4.3.2 too busy'
          : undefined,
    }
  },
  function cutting(random, world, untilMs) {
    return {
      keywords: ['PIPELINING'],
      refuse: () => (world.clock.now() < untilMs && random.below(12) === 0 ? '' : undefined),
    }
  },
  function unhappy(random, world, untilMs) {
    return {
      refuse: (stage) =>
        stage !== 'taken' && stage !== 'greeting' && world.clock.now() < untilMs && random.below(4) === 0
          ? '451 4.3.0 something is wrong'
          : undefined,
    }
  },
  function few(random) {
    let recipients = 0
    const most = 1 + random.below(5)
    return {
      keywords: random.below(2) === 0 ? [] : [`LIMITS RCPTMAX=${most}`],
      refuse(stage) {
        if (stage === 'mail') recipients = 0
        return stage === 'rcpt' && ++recipients > most ? '452 4.5.3 too many recipients' : undefined
      },
    }
  },
]

interface Accepted {
  readonly arrivalId: string
  readonly address: string
  readonly subject: string
}

/** The disk has no room in one of so many writes, and so often in all. */
const refusalsOneIn = 60
const refusalsMax = 40

const seen = { seeds: 0, refusals: 0, recipients: 0, relayed: 0, bounced: 0, second: 0, crashes: 0 }
after(() => console.log(`# ${JSON.stringify(seen)}`))

const first = Number(process.env.SIMULATION_SEED ?? 1)
for (let seed = first; seed < first + Number(process.env.SIMULATION_SEEDS ?? 5); seed++) {
  test(`the internet as it is, seed ${seed}`, async () => {
    const world = new World(seed)
    const random = seededRandom(seed ^ 0x1e7)
    const untilMs = world.clock.now() + day
    const peers: Peer[] = []
    for (let n = 0; n < hosts; n++) {
      const temper = tempers[random.below(tempers.length)]!(random, world, untilMs)
      const { refuse = () => undefined } = temper
      const options: PeerOptions = {
        address: `10.1.0.${n + 1}`,
        hostname: `mx${n}.hosts.example`,
        domains: [],
        ...temper,
        refuse: (stage, line) => (stage === 'rcpt' && line.includes('<bad') ? '550 5.1.1 nobody' : refuse(stage, line)),
      }
      peers.push(await Peer.start(world, options))
    }
    /** Hosts that never answer, and those that are down for a while. */
    const dead = new Set([`10.1.0.${1 + random.below(hosts)}`])
    const down = new Set(Array.from({ length: 4 }, () => `10.1.0.${1 + random.below(hosts)}`))
    for (let n = 0; n < domains; n++) {
      const first = random.below(hosts)
      const second = (first + 1 + random.below(hosts - 1)) % hosts
      const mx = [{ preference: 10, exchange: `mx${first}.hosts.example` }]
      if (random.below(3) === 0) mx.push({ preference: 20, exchange: `mx${second}.hosts.example` })
      world.zone.names.set(`d${n}.example`, { mx })
    }
    world.internet.weather = {
      latencyMs: () => 1 + random.below(latencyMaxMs),
      connect: (from, to) => {
        if (from !== '10.0.0.1') return 'open'
        if (dead.has(to) || (down.has(to) && world.clock.now() < untilMs)) return random.below(2) ? 'refused' : 'silent'
        return world.clock.now() < untilMs && random.below(20) === 0 ? 'refused' : 'open'
      },
      // Lost connections are the tempers': they know whether the message was theirs already.
      lostAfterBytes: () => Infinity,
    }
    Object.assign(world.zone, { fails: () => world.clock.now() < untilMs && random.below(100) < 10 })

    const { clock, log } = world
    // A disk that has no room now and then: for a record, or for the rows of one that is durable.
    const disk = seededRandom(seed ^ 0xd15c)
    const crashes: number[] = []
    let refusals = 0
    /** A start that finds no room fails, and says so: not what is looked at here. */
    let started = false
    const memoryFails = (): void => {
      if (!started || clock.now() >= untilMs || refusals >= refusalsMax || disk.below(refusalsOneIn) > 0) return
      refusals++
      // What was under way may be sent again, as after a crash.
      crashes.push(clock.monotonic())
      throw Object.assign(new Error('no room'), { code: 'ENOSPC' })
    }
    const store = await openStore({ folder: ':memory:', clock, log, memoryFails })
    let running = new Process()
    let system: System = await world.start(home, (platform) => running.within(platform), running.store(store))
    started = true
    async function crash(): Promise<void> {
      running.crash()
      started = false
      crashes.push(clock.monotonic())
      await clock.pass(random.below(10 * minute))
      running = new Process()
      system = await world.boot(home, (platform) => running.within(platform), running.store(store))
      started = true
    }

    const accepted: Accepted[] = []
    for (let n = 0; n < messages; n++) {
      const subject = `message ${n}`
      const recipients = Array.from(
        { length: 1 + random.below(random.below(5) === 0 ? 60 : 4) },
        (_, k) => `${random.below(10) === 0 ? 'bad' : 'm'}${n}-${k}@d${random.below(domains)}.example`,
      )
      const client = await world.connect(system)
      const sent = await clock.until(
        client.send(
          { reversePath: 'alice@a.example', recipients, body: '7bit', smtpUtf8: false },
          bytesOfText(`Subject: ${subject}\n\n${'x'.repeat(random.below(3000))}\n`),
        ),
      )
      await clock.until(client.quit().catch(() => {}))
      sent.recipients.forEach(({ code, lines }, i) => {
        const arrivalId = /accepted as (\w+)/.exec(lines[0]!)?.[1]
        if (code === 250 && arrivalId !== undefined) accepted.push({ arrivalId, address: recipients[i]!, subject })
      })
      await clock.pass(random.below(hour))
      if (random.below(8) === 0) clock.jump((random.below(2) ? 1 : -1) * random.below(2 * hour))
      if (random.below(8) === 0) await crash()
    }
    await clock.pass(4 * day)

    assert.equal((await store.read.counts()).queued, 0)
    const notices = await messagesIn(system, 'alice@a.example')
    const failed = new Map<string, number>()
    for (const text of notices) {
      for (const [, address] of text.matchAll(/^Final-Recipient: rfc822; (\S+)\r\nAction: failed/gm))
        failed.set(address!, (failed.get(address!) ?? 0) + 1)
    }
    const taken = new Map<string, number[]>()
    const unheard = new Set<string>()
    for (const peer of peers) {
      for (const { recipients, monotonicMs } of peer.taken)
        for (const address of recipients) taken.set(address, [...(taken.get(address) ?? []), monotonicMs])
      for (const address of peer.unheard) unheard.add(address)
    }
    for (const { arrivalId, address, subject } of accepted) {
      const rows = (await store.read.ledger(arrivalId)).filter(({ recipient }) => recipient === address)
      assert.equal(rows.length, 1, `${subject} to ${address}`)
      const [{ outcome, detail }] = rows as [(typeof rows)[number]]
      const copies = (taken.get(address) ?? []).sort((a, b) => a - b)
      if (address.startsWith('bad')) assert.equal(copies.length, 0)
      if (outcome === 'relayed') {
        assert.ok(copies.length > 0, `${subject} to ${address} was relayed to nobody`)
        assert.equal(failed.get(address) ?? 0, 0)
        seen.relayed++
      } else {
        assert.equal(outcome, 'bounced', `${subject} to ${address}: ${detail}`)
        assert.equal(failed.get(address), 1, `one notice about ${subject} to ${address}`)
        seen.bounced++
      }
      if (copies.length <= (outcome === 'relayed' ? 1 : 0)) continue
      // The host's 250 never came: it kept it to itself, or nobody was there any more to hear it.
      const excused =
        unheard.has(address) ||
        copies
          .slice(0, -1)
          .every((atMs) => crashes.some((died) => atMs > died - noteMs && atMs < died + slowMs + noteMs))
      assert.ok(excused, `${subject} to ${address} was sent at ${String(copies)}, crashes at ${String(crashes)}`)
      seen.second++
    }
    seen.seeds++
    seen.recipients += accepted.length
    seen.crashes += crashes.length - refusals
    seen.refusals += refusals
    await clock.until(system.stop())
    assert.deepEqual(
      // Its clock is set forth and back, and its DNS fails at times: five names in a row, by chance, are told as trouble.
      world.events.filter(
        (event) => event.startsWith('error') && !/no room|waits until its rows|"trouble":"(?:clock|dns)"/.test(event),
      ),
      [],
    )
  })
}
