/** What a case of a mail server and us can see: both sides' mailboxes, our queue, its log; and what it cannot do. */
import assert from 'node:assert/strict'
import { alice, type PeerWorld } from './mail-peer-world.ts'
import type { Ability, MailPeer } from './mail-peer.ts'
import { read } from './programs.ts'

/** Until a mail arrives or is told of: a peer tries again within some seconds; on a busy machine all takes longer. */
const limitMs = 90_000

export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  log: () => string | Promise<string>,
): Promise<T> {
  const endMs = Date.now() + limitMs
  for (;;) {
    const found = await ask()
    if (found !== undefined) return found
    if (Date.now() >= endMs) assert.fail(`${what} did not come\n${await log()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

export class PeerCases {
  readonly peer: MailPeer
  readonly name: string
  /** Before the first test. */
  world!: PeerWorld

  constructor(peer: MailPeer) {
    this.peer = peer
    this.name = peer.name
  }

  get skip(): string | false {
    return this.peer.skip
  }

  can(ability: Ability): boolean {
    return this.peer.cannot[ability] === undefined
  }

  /** For the `skip` of a test. */
  unless(ability: Ability): string | false {
    const reason = this.peer.cannot[ability]
    return this.skip || (reason === undefined ? false : `${this.name}: ${reason}`)
  }

  log(): string {
    return this.world.peer.log()
  }

  async #queue() {
    return this.world.real.system.store.read.queue(0, 100)
  }

  readonly logs = async (): Promise<string> => {
    const rows = (await this.#queue()).map(
      ({ address, attempts, lastReply }) => `${address}: ${attempts}, ${lastReply}`,
    )
    return `${this.log().slice(-6000)}\nwith us wait ${rows.join('\n')}`
  }

  /** In a mailbox of ours, by its subject or by what it contains. */
  ours(what: string | RegExp, user = alice): Promise<Buffer> {
    const ask = async (): Promise<Buffer | undefined> => {
      const found = (await read(this.world.real, user)).find((mail) => fits(mail, what))
      return found === undefined ? undefined : Buffer.from(found, 'latin1')
    }
    return until(`${what} for ${user}`, ask, this.logs)
  }

  /** In a mailbox of the peer's. */
  theirs(what: string | RegExp, user = 'pat'): Promise<Buffer> {
    const ask = () => this.world.peer.inbox(user).find((mail) => fits(mail.toString('latin1'), what))
    return until(`${what} for ${user}`, ask, this.logs)
  }

  /** What is said of a recipient that waits with us. */
  async waits(recipient: string, words: RegExp): Promise<void> {
    const ask = async (): Promise<true | undefined> => {
      const row = (await this.#queue()).find(({ address }) => address === recipient)
      return row && row.attempts > 0 && words.test(row.lastReply ?? '') ? true : undefined
    }
    await until(`waiting for ${recipient}: ${words}`, ask, this.logs)
  }

  /** The peer's log, sooner or later. */
  async tells(words: RegExp): Promise<void> {
    await until(`${words} in its log`, () => (words.test(this.log()) ? true : undefined), this.logs)
  }
}

function fits(mail: string, what: string | RegExp): boolean {
  return typeof what === 'string' ? mail.includes(`\r\nSubject: ${what}\r\n`) : what.test(mail)
}
