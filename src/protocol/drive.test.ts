import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../base/log.ts'
import type { Connection, ConnectionHandler } from '../base/network.ts'
import { Wheel } from '../base/wheel.ts'
import { SimulatedClock } from '../platform/simulated/clock.ts'
import type { Action, Session } from './action.ts'
import { drive } from './drive.ts'

const peer = { address: '192.0.2.1', port: 1, localAddress: '192.0.2.2', localPort: 25 }

/** A connection whose peer never closes its side, and what became of it. */
class Line implements Connection {
  readonly peer = peer
  readonly tls = null
  handler!: ConnectionHandler
  said = ''
  ends = 0
  destroyed = false

  receive(handler: ConnectionHandler): void {
    this.handler = handler
  }
  write(bytes: Uint8Array): boolean {
    this.said += Buffer.from(bytes).toString()
    return true
  }
  pause(): void {}
  resume(): void {}
  end(): void {
    this.ends++
  }
  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.handler.close()
  }
  startTlsServer(): Promise<never> {
    return Promise.reject(new Error('no TLS here'))
  }
  startTlsClient(): Promise<never> {
    return Promise.reject(new Error('no TLS here'))
  }
}

/** Answers each line with its own words in capitals; "bye" ends it. */
class Echo implements Session {
  readonly idleTimeoutMs = 60_000
  heard = ''
  closes = 0
  readonly #actions: Action[] = []

  start(): void {}
  receive(chunk: Uint8Array): void {
    const line = Buffer.from(chunk).toString()
    this.heard += line
    const bytes = Buffer.from(line.toUpperCase())
    this.#actions.push(line === 'bye' ? { kind: 'close', bytes } : { kind: 'write', bytes })
  }
  next(): Action {
    return this.#actions.shift() ?? { kind: 'wait' }
  }
  timedOut(): undefined {}
  ended(): void {}
  failed(): undefined {}
  shutdown(): void {}
  closed(): void {
    this.closes++
  }
}

test('after the last words nothing more is heard or said, and a peer that goes on talking is cut off in its time', async () => {
  const clock = new SimulatedClock(0)
  const line = new Line()
  const session = new Echo()
  drive(line, session, { clock, wheel: new Wheel(clock), log: silentLog })
  const type = (text: string): void => line.handler.data(Buffer.from(text))
  type('hello')
  type('bye')
  type('hello')
  assert.deepEqual([line.said, session.heard, line.ends], ['HELLOBYE', 'hellobye', 1])
  for (let n = 0; n < 10; n++) {
    await clock.pass(1000)
    if (!line.destroyed) type('bye')
  }
  assert.deepEqual([line.said, session.heard, line.ends, line.destroyed], ['HELLOBYE', 'hellobye', 1, true])
  assert.equal(session.closes, 1)
})

test('commands that are answered at once, however many come together, give way to others every few milliseconds', async () => {
  const simulated = new SimulatedClock(0)
  // Each look at the clock takes a millisecond.
  let looks = 0
  const turns: (() => void)[] = []
  const clock = Object.assign(Object.create(simulated) as SimulatedClock, {
    monotonic: () => ++looks,
    soon: (work: () => void) => void turns.push(work),
  })
  const line = new Line()
  const session = new Echo()
  drive(line, session, { clock, wheel: new Wheel(simulated), log: silentLog })
  let answered = 0
  let waits = 0
  session.next = () => {
    if (answered === 30) return { kind: 'wait' }
    answered++
    return { kind: 'write', bytes: Buffer.from('x') }
  }
  line.handler.data(Buffer.from('thirty commands'))
  for (let round = 0; round < 100 && (answered < 30 || turns.length > 0); round++) {
    const upTo = answered
    for (const turn of turns.splice(0)) turn()
    await new Promise((resolve) => setImmediate(resolve))
    if (answered > upTo) waits++
    assert.ok(answered - upTo <= 5, `${answered - upTo} at once`)
  }
  assert.equal(answered, 30)
  assert.ok(waits > 5)
  assert.equal(line.said, 'x'.repeat(30))
})
