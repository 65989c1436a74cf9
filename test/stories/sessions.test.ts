/** Several IMAP sessions on one mailbox, while mail arrives and goes: each keeps right sequence numbers. RFC 3501 §7.4.1. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ImapClient } from '../../src/protocol/imap/client.ts'
import { seededRandom } from '../../src/platform/simulated/random.ts'
import { World } from './world.ts'

/** What a client believes: UIDs by sequence number, kept up with EXISTS and EXPUNGE alone. */
class Mirror {
  readonly client: ImapClient
  readonly uids: (number | undefined)[] = []

  constructor(client: ImapClient) {
    this.client = client
    client.onData = ({ name, number, values }) => {
      if (name === 'EXISTS') {
        assert.ok(number! >= this.uids.length, 'EXISTS never takes away')
        while (this.uids.length < number!) this.uids.push(undefined)
      } else if (name === 'EXPUNGE') {
        assert.ok(number! >= 1 && number! <= this.uids.length, `EXPUNGE ${number} of ${this.uids.length}`)
        this.uids.splice(number! - 1, 1)
      } else if (name === 'FETCH') {
        const list = values[0] as readonly unknown[]
        const at = list.indexOf('UID')
        if (at < 0) return
        const uid = Number(list[at + 1])
        const known = this.uids[number! - 1]
        assert.ok(known === undefined || known === uid, `sequence ${number} is ${known}, told ${uid}`)
        this.uids[number! - 1] = uid
      }
    }
  }
}

for (const seed of [1, 2, 3, 4]) {
  test(`sequence numbers of four sessions, seed ${seed}`, async () => {
    const world = new World(seed)
    const random = seededRandom(seed)
    const system = await world.start({
      hostname: 'mx.a.example',
      address: '10.0.0.1',
      domains: ['a.example'],
      users: ['alice@a.example'],
    })
    const mirrors: Mirror[] = []
    for (let i = 0; i < 4; i++) {
      const client = await world.imap(system, 'alice@a.example')
      const mirror = new Mirror(client)
      await world.clock.until(client.select('INBOX'))
      mirrors.push(mirror)
    }
    for (let step = 0; step < 120; step++) {
      const mirror = mirrors[random.below(4)]!
      const { client } = mirror
      const size = mirror.uids.length
      const some = (): string => (size === 0 ? '1' : `${1 + random.below(size)}:${1 + random.below(size)}`)
      const work: Promise<unknown>[] = []
      const say = (line: string): void => void work.push(client.command(line))
      switch (random.below(7)) {
        case 0:
        case 1:
          work.push(world.send(system, 'x@y.example', ['alice@a.example'], `Subject: ${step}\n\n`))
          break
        case 2:
          if (size > 0) say(`STORE ${some()} +FLAGS.SILENT (\\Deleted)`)
          break
        case 3:
          if (random.below(3) === 0) say('EXPUNGE')
          else if (size > 0) say(`FETCH ${some()} (UID FLAGS)`)
          break
        case 4:
          if (size > 0) say(`MOVE ${1 + random.below(size)} Trash`)
          break
        case 5:
          say('NOOP')
          break
        default:
          // Everybody at once.
          for (const one of mirrors)
            work.push(one.client.command(one.uids.length > 0 && random.below(2) === 0 ? 'FETCH 1:* UID' : 'NOOP'))
      }
      await world.clock.until(Promise.allSettled(work))
    }
    for (const { client } of mirrors) await world.clock.until(client.command('NOOP'))
    const expected: number[] = []
    for (const mirror of mirrors) {
      if (mirror.uids.length > 0) await world.clock.until(mirror.client.command('FETCH 1:* UID'))
      if (mirror === mirrors[0]) expected.push(...(mirror.uids as number[]))
      assert.deepEqual(mirror.uids, expected)
    }
    await world.stop()
    assert.deepEqual(
      world.events.filter((event) => !event.startsWith('info')),
      [],
    )
  })
}
