/** How many files a reader has to open to follow one message: those of `src/` that run code for it. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { parseIpNetwork } from '../../src/base/ip-network.ts'
import { fairWeather } from '../../src/platform/simulated/network.ts'
import { countFilesRun } from '../support/files-run.ts'
import { Peer } from './peer.ts'
import { Typist } from './typist.ts'
import { password, World } from './world.ts'

/**
 * No more than these; to be lowered with each file that is no longer needed. Every function counts here, down to the leaves of MIME (20 files) and of
 * the engine (27); three are the node's: whether it missed changes, whether facts miss.
 */
const ceilings = { delivery: 91, relay: 81, fetch: 35 }

const alice = 'alice@a.example'
const home = {
  hostname: 'mx.a.example',
  address: '10.0.0.1',
  domains: ['a.example'],
  users: [alice],
  config: { trustedNetworks: [parseIpNetwork('198.51.100.0/24')!] },
}
const letter = 'From: eve@there.example\r\nSubject: hello\r\n\r\nHello\r\n.\r\n'

function atMost(t: TestContext, name: keyof typeof ceilings, files: readonly string[]): void {
  const rooms = new Map<string, number>()
  for (const file of files) {
    const room = file.split('/')[1]!
    rooms.set(room, (rooms.get(room) ?? 0) + 1)
  }
  const byRoom = [...rooms].map(([room, count]) => `${room} ${count}`).join(', ')
  t.diagnostic(`${name}: ${files.length} files (${byRoom}): ${files.join(' ')}`)
  assert.ok(
    files.length <= ceilings[name],
    `${files.length} files, and not ${ceilings[name]}, run for it:\n${files.join('\n')}`,
  )
  assert.ok(files.length > 5, 'hardly anything was counted')
}

/** Until the 354; what is typed next is the message. */
async function atData(world: World, to: string): Promise<Typist> {
  const typist = await Typist.connect(world, home.address)
  await typist.reply()
  await typist.talk(
    ['EHLO desk.a.example', '250'],
    ['MAIL FROM:<eve@there.example>', '250'],
    [`RCPT TO:<${to}>`, '250'],
    ['DATA', '354'],
  )
  return typist
}

test('from the first byte of DATA to the row in a mailbox', async (t) => {
  const world = new World()
  const system = await world.start(home)
  const typist = await atData(world, alice)
  const filed = new Promise<void>((resolve) => void system.store.listen(() => resolve()))
  const end = countFilesRun()
  typist.type(letter)
  await world.clock.until(filed)
  assert.match(await typist.reply(), /^250 /)
  const files = end()
  assert.ok(files.some((file) => file.startsWith('src/delivery/')))
  assert.ok(!files.some((file) => file.startsWith('src/protocol/imap/')), files.join(' '))
  atMost(t, 'delivery', files)
  await world.stop()
})

test("one recipient from the queue to the remote host's 250", async (t) => {
  const world = new World()
  const system = await world.start(home)
  let end: (() => readonly string[]) | undefined
  let files: readonly string[] = []
  let told = (): void => {}
  const taken = new Promise<void>((resolve) => (told = resolve))
  await Peer.start(world, {
    address: '10.0.0.2',
    hostname: 'mx.b.example',
    domains: ['b.example'],
    refuse: (stage) => {
      if (stage === 'taken') {
        files = end!()
        told()
      }
      return undefined
    },
  })
  world.internet.weather = { ...fairWeather, connect: (_, to) => (to === '10.0.0.2' ? 'refused' : 'open') }
  const typist = await atData(world, 'bob@b.example')
  typist.type(letter)
  assert.match(await typist.reply(), /^250 /)
  await world.clock.pass(60_000)
  const [row] = await system.store.read.queue(0, 10)
  assert.equal(row!.attempts, 1)
  world.internet.weather = fairWeather
  end = countFilesRun()
  await system.store.commit([{ kind: 'queueAct', recipient: row!.id, act: 'retry', nowMs: world.clock.now() }])
  await world.clock.until(taken)
  assert.ok(files.some((file) => file.startsWith('src/transport/smtp/')))
  atMost(t, 'relay', files)
  await world.stop()
})

test('one FETCH of a message', async (t) => {
  const world = new World()
  const system = await world.start(home)
  const typist = await atData(world, alice)
  typist.type(letter)
  assert.match(await typist.reply(), /^250 /)
  await world.clock.pass(1000)
  const { address } = system.listening[0]!
  const opened = world.internet.at('198.51.100.7').connect({ address, port: 143, timeoutMs: 30_000 })
  const connection = await world.clock.until(opened)
  let heard = ''
  let wake = (): void => {}
  connection.receive({
    data(chunk) {
      heard += Buffer.from(chunk).toString('latin1')
      wake()
    },
    drain() {},
    end() {},
    close() {},
  })
  const hear = async (words: string): Promise<void> => {
    while (!heard.includes(words)) await world.clock.until(new Promise<void>((resolve) => (wake = resolve)))
  }
  await hear('* OK')
  connection.write(Buffer.from(`a LOGIN ${alice} "${password}"\r\n`))
  await world.clock.outside(hear('a OK'))
  connection.write(Buffer.from('b SELECT INBOX\r\n'))
  await hear('b OK')
  const end = countFilesRun()
  connection.write(Buffer.from('c FETCH 1 (UID FLAGS BODY.PEEK[])\r\n'))
  await hear('c OK')
  const files = end()
  assert.match(heard, /\r\nHello\r\n/)
  atMost(t, 'fetch', files)
  connection.destroy()
  await world.stop()
})
