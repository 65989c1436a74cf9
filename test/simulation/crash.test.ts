/**
 * Systems that crash at any moment and start again on what their stores have: whatever got a 250 is filed, relayed or bounced in the end,
 * and a second copy comes only of a crash between the sender's last byte and its note of the answer.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fairWeather } from '../../src/platform/simulated/network.ts'
import type { Store } from '../../src/store/store.ts'
import type { System } from '../../src/system/types.ts'
import type { Platform } from '../../src/system.ts'
import { messagesIn, World } from '../stories/world.ts'
import { Process } from './process.ts'
import { simulatedStore } from './stores.ts'
import { build, day, domain, hour, minute, sendOne, siteOf, sites, usersEach, type Sent } from './traffic.ts'

const seeds = Array.from(
  { length: Number(process.env.SIMULATION_SEEDS ?? 20) },
  (_, i) => Number(process.env.SIMULATION_SEED ?? 1) + i,
)
const messages = 30
/** One way over the internet, at most. */
const latencyMaxMs = 200
/** From the peer's commit to the sender's note of it: one way, and a little for what both have to do. */
const noteMs = latencyMaxMs + 100

/** What all seeds together have seen: crashes that hurt nobody would prove nothing. */
const seen = { crashes: 0, unanswered: 0, secondCopies: 0 }

interface Crash {
  readonly site: number
  readonly atMs: number
}

/** The machines: their stores outlive the processes. */
class Machines {
  readonly #world: World
  readonly #seed: number
  readonly #stores: Store[] = []
  readonly #processes: (Process | undefined)[] = []
  readonly #starting: Promise<void>[] = []
  systems: System[] = []
  readonly crashes: Crash[] = []

  constructor(world: World, seed: number) {
    this.#world = world
    this.#seed = seed
  }

  async start(): Promise<void> {
    const { clock, log } = this.#world
    this.systems = await build(this.#world, async (site) => {
      this.#stores[site] = await simulatedStore({ clock, log }, this.#seed + site)
      const { within, store } = this.#process(site)
      return this.#world.start(siteOf(site), within, store)
    })
  }

  #process(site: number): { within: (platform: Platform) => Platform; store: Store } {
    const running = (this.#processes[site] = new Process())
    return { within: (platform) => running.within(platform), store: running.store(this.#stores[site]!) }
  }

  async #again(site: number): Promise<void> {
    const { within, store } = this.#process(site)
    this.systems[site] = await this.#world.boot(siteOf(site), within, store)
  }

  /** After `inMs` the site crashes, and is back after `downMs`. One that is down already stays down. */
  crash(site: number, inMs: number, downMs: number): void {
    const { clock } = this.#world
    clock.after(inMs, () => {
      if (!this.#processes[site]) return
      this.#processes[site].crash()
      this.#processes[site] = undefined
      this.crashes.push({ site, atMs: clock.now() })
      clock.after(downMs, () => void this.#starting.push(this.#again(site)))
    })
  }

  async settled(): Promise<void> {
    await Promise.all(this.#starting)
  }

  /** Whether one of the two crashed with the last bytes or the answer to them under way: the copy was taken, and the sender never knew. */
  excuses(takenMs: number, from: number, to: number): boolean {
    return this.crashes.some(
      ({ site, atMs }) => (site === from || site === to) && atMs >= takenMs - latencyMaxMs && atMs <= takenMs + noteMs,
    )
  }
}

/** When a copy was taken by the system that has it. */
async function takenMs(system: System, text: string): Promise<number> {
  const [, id] = /\bid\s+(\w+)/.exec(text)!
  return (await system.store.read.ledger(id!))[0]!.acceptedAtMs
}

for (const seed of seeds) {
  test(`four systems that crash, seed ${seed}`, async () => {
    const world = new World(seed)
    const { random } = world
    const machines = new Machines(world, seed)
    await machines.start()
    world.internet.weather = { ...fairWeather, latencyMs: () => 1 + random.below(latencyMaxMs) }
    const sent: Sent[] = []
    for (let n = 0; n < messages; n++) {
      // Mostly in the middle of this message's way, sometimes at any time.
      machines.crash(random.below(sites), random.below(4000), random.below(10 * minute))
      if (random.below(3) === 0) machines.crash(random.below(sites), random.below(hour), random.below(10 * minute))
      const acknowledged = await sendOne(world, machines.systems, n).catch(() => undefined)
      if (acknowledged) sent.push(acknowledged)
      else seen.unanswered++
      await world.clock.pass(random.below(hour))
    }
    await world.clock.pass(2.5 * day)
    await machines.settled()
    seen.crashes += machines.crashes.length

    const { systems } = machines
    const inboxes = new Map<string, string[]>()
    for (const [site, system] of systems.entries()) {
      assert.equal((await system.store.read.counts()).queued, 0, `something still waits at site ${site}`)
      for (let i = 0; i < usersEach; i++) {
        const user = `user${i}@${domain(site)}`
        inboxes.set(user, await messagesIn(system, user))
      }
    }
    for (const { site, subject, sender, arrivalId, targets } of sent) {
      const rows = await systems[site]!.store.read.ledger(arrivalId)
      for (const target of targets) {
        const mine = rows.filter(({ recipient }) => recipient.endsWith(target.address))
        assert.equal(mine.length, 1, `${subject} to ${target.address} ended once: ${JSON.stringify(rows)}`)
        const [{ outcome, endedAtMs }] = mine as [(typeof mine)[number]]
        assert.notEqual(endedAtMs, null)
        const copies = (inboxes.get(target.address) ?? []).filter((text) =>
          text.includes(`\r\nSubject: ${subject}\r\n\r\n`),
        )
        const notices = inboxes
          .get(sender)!
          .filter(
            (text) =>
              text.includes(`; ${target.address}\r\nAction: failed`) && text.includes(`Subject: ${subject}\r\n`),
          )
        if (target.site === undefined) {
          assert.equal(outcome, 'bounced')
          assert.equal(notices.length, 1, `${subject}: one notice for ${target.address}`)
          continue
        }
        assert.equal(outcome, target.site === site ? 'filed' : 'relayed')
        assert.equal(notices.length, 0)
        assert.ok(copies.length > 0, `${subject} was lost on its way to ${target.address}`)
        if (target.site === site) assert.equal(copies.length, 1)
        const times = copies.map((text) => takenMs(systems[target.site!]!, text))
        const taken = (await Promise.all(times)).sort((a, b) => a - b)
        for (const atMs of taken.slice(0, -1)) {
          seen.secondCopies++
          assert.ok(
            machines.excuses(atMs, site, target.site),
            `${subject}: a second copy to ${target.address} for no crash`,
          )
        }
      }
    }
    for (const system of systems) await world.clock.until(system.stop())
    assert.deepEqual(
      world.events.filter((event) => event.startsWith('error')),
      [],
    )
  })
}

test('the crashes fell where they hurt', () => {
  assert.ok(seen.crashes > 10 * seeds.length, JSON.stringify(seen))
  assert.ok(seen.unanswered > 0, JSON.stringify(seen))
  assert.ok(seen.secondCopies > 0, JSON.stringify(seen))
})
