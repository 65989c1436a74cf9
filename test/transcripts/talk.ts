/** A conversation with a session without a socket: bytes in, what it says out. For tests that make their own bytes. */
import assert from 'node:assert/strict'
import type { TlsFacts } from '../../src/base/network.ts'
import type { Session, SessionHost } from '../../src/protocol/action.ts'

/** More actions than any input of these tests can earn: a session that never waits is found out. */
const actionsMax = 100_000

export class Talk implements SessionHost {
  readonly peer = { address: '192.0.2.1', port: 1, localAddress: '192.0.2.2', localPort: 25 }
  tls: TlsFacts | null = null
  closed = false
  readonly session: Session

  constructor(session: Session) {
    this.session = session
    session.start(this)
  }

  wake(): void {}

  /** @returns what the session says to it. */
  async say(bytes: Uint8Array): Promise<string> {
    if (!this.closed) this.session.receive(Buffer.from(bytes))
    return this.listen()
  }

  async listen(): Promise<string> {
    let said = ''
    const hear = (bytes: Uint8Array | undefined): void => {
      if (bytes) said += Buffer.from(bytes).toString('latin1')
    }
    for (let actions = 0; !this.closed; actions++) {
      assert.ok(actions < actionsMax, 'the session never waits')
      const action = this.session.next()
      if (action.kind === 'wait') break
      if (action.kind === 'write') hear(action.bytes)
      else if (action.kind === 'startTls') {
        hear(action.reply)
        this.tls = { version: 'TLSv1.3', cipher: 'x', resumed: false }
        action.done(this.tls)
      } else if (action.kind === 'close') {
        hear(action.bytes)
        this.closed = true
      } else if ('then' in action.work) hear(await action.work)
      else for await (const bytes of action.work) hear(bytes)
    }
    return said
  }

  async end(): Promise<string> {
    this.session.ended()
    const said = await this.listen()
    this.session.closed()
    return said
  }
}
