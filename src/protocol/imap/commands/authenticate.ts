/** AUTHENTICATE: a SASL exchange, by the mechanisms of the session's options. RFC 3501 §6.2.2, RFC 4959. */
import { latin1 } from '../../../base/bytes.ts'
import type { Authenticated } from '../../sasl/authenticator.ts'
import { ImapRefusal } from '../backend.ts'
import { channelOf } from '../capability.ts'
import { command } from '../command.ts'
import type { Conversation, Dialogue } from '../command.ts'
import { lineBeforeLoginMaxBytes } from '../limits.ts'
import { decodeBase64, offeredMechanisms, type SaslExchange, type SaslMechanism } from '../../sasl/mechanism.ts'
import { SyntaxFault } from '../wire/fault.ts'

/** Challenges of one exchange: SCRAM needs two; more than a few is a loop. */
const stepsMax = 8

export const authenticate = command({
  name: 'AUTHENTICATE',
  capability: (conversation) =>
    conversation.state === 'notAuthenticated' ? offered(conversation).map(({ name }) => `AUTH=${name}`) : [],
  states: ['notAuthenticated'],
  tellsExpunge: 'never',

  grammar(line) {
    line.space()
    const name = line.word()
    // RFC 4959 §3: `=` is an initial response of no bytes.
    const initial = line.tries(' ') ? latin1(line.bytes, line.at, line.end) : undefined
    line.at = line.end
    return { name, initial: initial === undefined ? undefined : initial === '=' ? new Uint8Array(0) : decode(initial) }
  },

  async run(conversation, { name, initial }) {
    const mechanism = offered(conversation).find((row) => row.name === name)
    if (!mechanism) {
      const known = conversation.options.mechanisms.some((row) => row.name === name)
      if (known && !conversation.host.tls)
        throw new ImapRefusal('PRIVACYREQUIRED', 'This mechanism is accepted only under TLS')
      throw new ImapRefusal('CANNOT', 'Unsupported authentication mechanism')
    }
    const { authenticator } = conversation.options
    const { peer, tls } = conversation.host
    const dialogue = new SaslDialogue(mechanism.begin({ authenticator, peer, tls }))
    if (!(await dialogue.step(conversation, initial))) conversation.converse(dialogue)
  },
})

function offered(conversation: Conversation): readonly SaslMechanism[] {
  return offeredMechanisms(conversation.options.mechanisms, channelOf(conversation))
}

function decode(text: string): Uint8Array {
  const bytes = decodeBase64(text)
  if (!bytes) throw new SyntaxFault(-1, 'base64', 'base64')
  return bytes
}

class SaslDialogue implements Dialogue {
  readonly lineMaxBytes = lineBeforeLoginMaxBytes
  readonly listens = false
  readonly #exchange: SaslExchange
  #steps = 0

  constructor(exchange: SaslExchange) {
    this.#exchange = exchange
  }

  line(conversation: Conversation, bytes: Uint8Array | null): Promise<boolean> {
    if (bytes === null) throw new SyntaxFault(-1, 'a shorter response', 'base64')
    const text = latin1(bytes)
    if (text === '*') throw new SyntaxFault(-1, 'a response, but authentication was cancelled', 'RFC 3501 6.2.2')
    return this.step(conversation, decode(text))
  }

  /** @returns true when the client has signed in. */
  async step(conversation: Conversation, response: Uint8Array | undefined): Promise<boolean> {
    if (++this.#steps > stepsMax) throw new ImapRefusal('AUTHENTICATIONFAILED', 'Authentication failed')
    const next: Uint8Array | Authenticated | null = await this.#exchange.step(response)
    if (next instanceof Uint8Array) {
      conversation.out.text(`+ ${Buffer.from(next).toString('base64')}\r\n`)
      return false
    }
    if (next === null) {
      conversation.signInFailed()
      throw new ImapRefusal('AUTHENTICATIONFAILED', 'Authentication failed')
    }
    await conversation.signIn(next)
    conversation.completed(`CAPABILITY ${conversation.capabilities()}`, 'Logged in')
    return true
  }
}
