/** Somebody who speaks SMTP by hand on the simulated internet: line by line, and reads every answer. */
import assert from 'node:assert/strict'
import type { Connection } from '../../src/base/network.ts'
import type { World } from './world.ts'

export class Typist {
  /** All that was heard. */
  heard = ''
  closed = false
  readonly #world: World
  readonly #connection: Connection
  #read = 0
  #waiting: (() => void) | undefined

  private constructor(world: World, connection: Connection) {
    this.#world = world
    this.#connection = connection
    const wake = (): void => this.#waiting?.()
    connection.receive({
      data: (chunk) => {
        this.heard += Buffer.from(chunk).toString('latin1')
        wake()
      },
      drain() {},
      end: () => {
        this.closed = true
        connection.end()
        wake()
      },
      close: () => {
        this.closed = true
        wake()
      },
    })
  }

  static async connect(world: World, address: string, port = 25, from = '198.51.100.7'): Promise<Typist> {
    const opened = world.internet.at(from).connect({ address, port, timeoutMs: 30_000 })
    return new Typist(world, await world.clock.until(opened))
  }

  /** Says nothing more than is given: the CRLF is the caller's. */
  type(text: string): void {
    this.#connection.write(Buffer.from(text, 'latin1'))
  }

  /** The next whole reply, line ends as LF. */
  async reply(): Promise<string> {
    for (;;) {
      const match = /^(?:\d{3}-[^\r\n]*\r\n)*\d{3} [^\r\n]*\r\n/.exec(this.heard.slice(this.#read))
      if (match) {
        this.#read += match[0].length
        return match[0].replaceAll('\r\n', '\n').trimEnd()
      }
      assert.ok(!this.closed, `closed after ${JSON.stringify(this.heard.slice(this.#read))}`)
      await this.#world.clock.until(new Promise<void>((resolve) => (this.#waiting = resolve)))
    }
  }

  /** Says a line and hears the answer. */
  async say(line: string): Promise<string> {
    this.type(`${line}\r\n`)
    return this.reply()
  }

  /** A dialogue whose every answer begins as it is told. */
  async talk(...steps: readonly (readonly [say: string, hear: string])[]): Promise<void> {
    for (const [line, expected] of steps) {
      const said = await this.say(line)
      assert.equal(said.slice(0, expected.length), expected, `to ${line}`)
    }
  }

  async startTls(): Promise<void> {
    assert.match(await this.say('STARTTLS'), /^220 /)
    await this.#world.clock.until(this.#connection.startTlsClient({ serverName: 'x', verify: 'none' }))
  }

  hangUp(): void {
    this.#connection.destroy()
  }
}
