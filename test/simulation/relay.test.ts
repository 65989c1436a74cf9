/**
 * Several systems, one seed, bad weather: refused and silent hosts, connections lost at any byte, DNS failures, full and missing mailboxes.
 * After days of virtual time each accepted recipient has ended exactly once, and what happened agrees with what the ledger says.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../src/platform/simulated/random.ts'
import type { System } from '../../src/system-types.ts'
import { bytesOfText, messagesIn, World } from '../stories/world.ts'

const seeds = Array.from({ length: 20 }, (_, i) => Number(process.env.SIMULATION_SEED ?? 1) + i)
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

const sites = 4
const usersEach = 2
const messages = 24

interface Sent {
  readonly site: number
  readonly subject: string
  readonly sender: string
  readonly arrivalId: string
  /** Where each accepted recipient's mail must end: undefined where nobody lives there. */
  readonly targets: readonly { readonly address: string; readonly site: number | undefined }[]
}

const domain = (site: number): string => `d${site}.example`
const address = (site: number): string => `10.0.0.${site + 1}`

async function build(world: World): Promise<System[]> {
  const systems: System[] = []
  for (let site = 0; site < sites; site++) {
    systems.push(
      await world.start({
        hostname: `mx.${domain(site)}`,
        address: address(site),
        domains: [domain(site)],
        mailboxes: Array.from({ length: usersEach }, (_, i) => `user${i}@${domain(site)}`),
        transfer: { transfersMax: 4, transfersPerDestinationMax: 2, queueLifetimeMs: 2 * day },
      }),
    )
  }
  // Everybody forwards to everybody else, to nobody, and into a hole in the DNS.
  for (const [site, system] of systems.entries()) {
    const operations = []
    for (let to = 0; to < sites; to++) {
      for (const name of ['user0', 'user1', 'nobody'])
        if (to !== site)
          operations.push({
            kind: 'aliasSet' as const,
            address: `${name}-${to}@${domain(site)}`,
            targets: [`${name}@${domain(to)}`],
          })
    }
    operations.push({ kind: 'aliasSet' as const, address: `hole@${domain(site)}`, targets: ['x@hole.example'] })
    await system.store.commit(operations)
  }
  return systems
}

function ofOurs(from: string): boolean {
  return from.startsWith('10.')
}

function badWeather(world: World, seed: number, until: number): void {
  const random = seededRandom(seed ^ 0x5eed)
  const bad = (percent: number): boolean => world.clock.now() < until && random.below(100) < percent
  world.internet.weather = {
    latencyMs: () => 1 + random.below(200),
    connect: (from) => (ofOurs(from) && bad(20) ? 'refused' : ofOurs(from) && bad(5) ? 'silent' : 'open'),
    lostAfterBytes: (from) => (ofOurs(from) && bad(25) ? random.below(3000) : Infinity),
  }
  const dns = (name: string): boolean => name === 'hole.example' || bad(15)
  Object.assign(world.zone, { fails: dns })
}

async function sendOne(world: World, systems: readonly System[], n: number): Promise<Sent> {
  const { random } = world
  const site = random.below(sites)
  const subject = `message ${n}`
  const sender = `user${random.below(usersEach)}@${domain(site)}`
  /** By recipient: the address it leads to, and who has that. */
  const wanted = new Map<string, { address: string; site: number | undefined }>()
  for (let i = 1 + random.below(4); i > 0; i--) {
    const to = random.below(sites)
    const name = ['user0', 'user1', 'nobody'][random.below(3)]!
    if (random.below(12) === 0) {
      wanted.set(`hole@${domain(site)}`, { address: 'x@hole.example', site: undefined })
    } else if (to === site) {
      if (name === 'nobody') continue
      wanted.set(`${name}@${domain(site)}`, { address: `${name}@${domain(site)}`, site })
    } else {
      const address = `${name}@${domain(to)}`
      wanted.set(`${name}-${to}@${domain(site)}`, { address, site: name === 'nobody' ? undefined : to })
    }
  }
  if (wanted.size === 0) return { site, subject, sender, arrivalId: '', targets: [] }
  const client = await world.connect(systems[site]!)
  const body = bytesOfText(`Subject: ${subject}\n\n${'x'.repeat(random.below(6000))}\n`)
  const envelope = { reversePath: sender, recipients: [...wanted.keys()], body: '7bit' as const, smtpUtf8: false }
  const { recipients: replies } = await world.clock.until(client.send(envelope, body))
  await world.clock.until(client.quit())
  const targets = [...wanted.values()].filter((_, i) => replies[i]!.code === 250)
  const arrivalId = replies.map(({ lines }) => /taken as (\w+)/.exec(lines[0]!)?.[1]).find((id) => id) ?? ''
  return { site, subject, sender, arrivalId, targets }
}

for (const seed of seeds) {
  test(`four systems in bad weather, seed ${seed}`, async () => {
    const world = new World(seed)
    const systems = await build(world)
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
      assert.equal(system.store.read.counts().queued, 0, `something still waits at site ${site}`)
      for (let i = 0; i < usersEach; i++) {
        const user = `user${i}@${domain(site)}`
        inboxes.set(user, await messagesIn(system, user))
      }
    }
    for (const { site, subject, sender, arrivalId, targets } of sent) {
      if (targets.length === 0) continue
      const rows = systems[site]!.store.read.ledger(arrivalId)
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
