/** Four systems that send and forward to each other, to nobody, and into a hole in the DNS. */
import { seededRandom } from '../../src/platform/simulated/random.ts'
import type { System } from '../../src/system/types.ts'
import { bytesOfText, type NextHop, type World } from '../stories/world.ts'

export const minute = 60_000
export const hour = 60 * minute
export const day = 24 * hour

export const sites = 4
export const usersEach = 2

export interface Sent {
  readonly site: number
  readonly subject: string
  readonly sender: string
  readonly arrivalId: string
  /** Where each accepted recipient's mail must end: undefined where nobody lives there. */
  readonly targets: readonly { readonly address: string; readonly site: number | undefined }[]
}

export const domain = (site: number): string => `d${site}.example`
const address = (site: number): string => `10.0.0.${site + 1}`

export function siteOf(site: number): NextHop {
  return {
    hostname: `mx.${domain(site)}`,
    address: address(site),
    domains: [domain(site)],
    mailboxes: Array.from({ length: usersEach }, (_, i) => `user${i}@${domain(site)}`),
    transfer: { transfersMax: 4, transfersPerDestinationMax: 2, queueLifetimeMs: 2 * day },
  }
}

/** @param start how one comes up; it knows its domain and mailboxes then. */
export async function build(
  world: World,
  start = (site: number): Promise<System> => world.start(siteOf(site)),
): Promise<System[]> {
  const systems: System[] = []
  for (let site = 0; site < sites; site++) systems.push(await start(site))
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

export function badWeather(world: World, seed: number, until: number): void {
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

export async function sendOne(world: World, systems: readonly System[], n: number): Promise<Sent> {
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
  // What was answered counts, however the connection ends.
  await world.clock.until(client.quit().catch(() => {}))
  const targets = [...wanted.values()].filter((_, i) => replies[i]!.code === 250)
  const arrivalId = replies.map(({ lines }) => /accepted as (\w+)/.exec(lines[0]!)?.[1]).find((id) => id) ?? ''
  return { site, subject, sender, arrivalId, targets }
}
