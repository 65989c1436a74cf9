/**
 * Several systems, one seed, bad weather: refused and silent hosts, connections lost at any byte, DNS failures, full and missing mailboxes.
 * After days of virtual time each accepted recipient has ended exactly once, and what happened agrees with what the ledger says.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { System } from '../../src/system/types.ts'
import { messagesIn, World } from '../stories/world.ts'
import { simulatedStore } from './stores.ts'
import { badWeather, build, day, domain, hour, sendOne, siteOf, sites, usersEach, type Sent } from './traffic.ts'

const messages = 24
const seeds = Array.from(
  { length: Number(process.env.SIMULATION_SEEDS ?? 20) },
  (_, i) => Number(process.env.SIMULATION_SEED ?? 1) + i,
)
for (const seed of seeds) {
  test(`four systems in bad weather, seed ${seed}`, async () => {
    const world = new World(seed)
    const open = async (site: number): Promise<System> =>
      world.start(siteOf(site), undefined, await simulatedStore(world, seed + site))
    const systems = await build(world, open)
    badWeather(world, seed, world.clock.now() + day)
    const sent: Sent[] = []
    for (let n = 0; n < messages; n++) {
      sent.push(await sendOne(world, systems, n))
      await world.clock.pass(world.random.below(hour))
      // A mailbox is full for a while: 452 to whoever comes.
      const full = `user0@${domain(world.random.below(sites))}`
      const owner = systems[Number(/d(\d)/.exec(full)![1])]!
      await owner.store.commit([{ kind: 'accountSet', name: full, quotaBytes: world.random.below(3) === 0 ? 1 : 0 }])
    }
    for (const [site, { store }] of systems.entries())
      await store.commit([{ kind: 'accountSet', name: `user0@${domain(site)}`, quotaBytes: 0 }])
    await world.clock.pass(2.5 * day)

    const inboxes = new Map<string, string[]>()
    for (const [site, system] of systems.entries()) {
      assert.equal((await system.store.read.counts()).queued, 0, `something still waits at site ${site}`)
      for (let i = 0; i < usersEach; i++) {
        const user = `user${i}@${domain(site)}`
        inboxes.set(user, await messagesIn(system, user))
      }
    }
    for (const { site, subject, sender, arrivalId, targets } of sent) {
      if (targets.length === 0) continue
      const rows = await systems[site]!.store.read.ledger(arrivalId)
      for (const row of rows) {
        assert.notEqual(row.outcome, 'queued', `${subject} to ${row.recipient}`)
        assert.notEqual(row.endedAtMs, null)
      }
      for (const target of targets) {
        const copies = (inboxes.get(target.address) ?? []).filter((text) =>
          text.includes(`\r\nSubject: ${subject}\r\n\r\n`),
        )
        const notices = inboxes
          .get(sender)!
          .filter(
            (text) =>
              text.includes(`; ${target.address}\r\nAction: failed`) && text.includes(`Subject: ${subject}\r\n`),
          )
        const mine = rows.filter(({ recipient }) => recipient.endsWith(target.address))
        assert.equal(mine.length, 1, `${subject} to ${target.address} ended once: ${JSON.stringify(rows)}`)
        const [{ outcome }] = mine as [(typeof mine)[number]]
        if (target.site === undefined) assert.equal(outcome, 'bounced')
        if (outcome === 'bounced') assert.equal(notices.length, 1, `${subject}: one notice for ${target.address}`)
        else {
          assert.equal(outcome, target.site === site ? 'filed' : 'relayed')
          // A second copy only where the connection was lost between the peer's 250 and our hearing of it.
          // No copy only where the other system had no room at its end of data, and said so.
          if (copies.length > 0) assert.equal(notices.length, 0)
          else assert.match(notices.join(), /Status: 4\.2\.2/, `${subject} was lost on its way to ${target.address}`)
        }
        // Taken at RCPT, no room at the end of data, while others got it. docs/architecture.md §3.
        if (target.site === site && outcome === 'bounced') assert.match(notices[0]!, /Status: 4\.2\.2/)
        if (target.site === site) assert.equal(copies.length, outcome === 'filed' ? 1 : 0)
      }
    }
    await world.stop()
    assert.deepEqual(
      world.events.filter((event) => event.startsWith('error')),
      [],
    )
  })
}
