/** A network of one's own: no DNS, hosts in a table, printers that know no passwords and no line ends. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIpNetwork } from '../../src/base/ip-network.ts'
import type { Config } from '../../src/config/config.ts'
import { bytesOfText, messagesIn, World } from './world.ts'

const home = { hostname: 'mail.lan', address: '10.0.0.1', domains: ['a.lan'], mailboxes: ['alice@a.lan'] }
const away = { hostname: 'mx.b.lan', address: '10.0.0.2', domains: ['b.lan'], mailboxes: ['bob@b.lan'] }
const text = 'From: printer@a.lan\nSubject: toner\n\nlow\n'

const noDns: Partial<Config> = {
  trustedNetworks: [parseIpNetwork('198.51.100.0/24')!],
  dns: { servers: [], validated: false, hosts: new Map([['b.lan', ['10.0.0.2']]]), lookups: false },
}

/** Nothing may be asked of a DNS that is not there. */
function forgetZone(world: World): void {
  world.zone.names.clear()
}

test('a host of a trusted network relays without signing in, and a domain in the table is reached without DNS', async () => {
  const world = new World()
  const a = await world.start({ ...home, config: noDns })
  const b = await world.start(away)
  forgetZone(world)
  assert.deepEqual(await world.send(a, 'printer@a.lan', ['bob@b.lan'], text), [250])
  await world.clock.pass(5000)
  const [message] = await messagesIn(b, 'bob@b.lan')
  assert.match(message!, /Subject: toner/)
  // What a submission lacks is added for it.
  assert.match(message!, /\r\nMessage-ID: </i)
  assert.match(message!, /\r\nDate: /)
  await world.stop()
})

test('where there is no DNS, a domain that nobody knows is returned at once', async () => {
  const world = new World()
  const a = await world.start({ ...home, config: noDns })
  assert.deepEqual(await world.send(a, 'alice@a.lan', ['bob@nowhere.example'], text), [250])
  await world.clock.pass(5000)
  const [notice] = await messagesIn(a, 'alice@a.lan')
  assert.match(notice!, /5\.1\.2/)
  await world.stop()
})

test('others may not relay, whatever service they take', async () => {
  const world = new World()
  const outside = { ...noDns, trustedNetworks: [parseIpNetwork('10.0.0.0/8')!] }
  const a = await world.start({ ...home, config: outside })
  assert.deepEqual(await world.send(a, 'printer@a.lan', ['bob@b.lan'], text), [550])
  const client = await world.connect(a, 587)
  await assert.rejects(
    world.clock.until(
      client.send(
        { reversePath: 'printer@a.lan', recipients: ['bob@b.lan'], body: '7bit', smtpUtf8: false },
        bytesOfText(text),
      ),
    ),
    /530/,
  )
  await world.stop()
})
