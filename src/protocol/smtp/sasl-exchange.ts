/** One AUTH from its first step to its end: challenges as replies, lines as responses. RFC 4954 §4. */
import { latin1 } from '../../base/bytes.ts'
import type { Status } from '../../mail/status.ts'
import type { Authenticated } from '../sasl/authenticator.ts'
import { decodeBase64, type SaslMechanism } from '../sasl/mechanism.ts'
import * as limits from './limits.ts'
import { formatReply } from './wire/reply.ts'

export type SaslAnswer =
  | { readonly kind: 'challenge'; readonly bytes: Uint8Array }
  | { readonly kind: 'user'; readonly user: Authenticated }
  | { readonly kind: 'failed' }

export class SaslExchange {
  readonly #exchange: ReturnType<SaslMechanism['begin']>

  constructor(exchange: ReturnType<SaslMechanism['begin']>) {
    this.#exchange = exchange
  }

  async step(response: Uint8Array | undefined): Promise<SaslAnswer> {
    const answer = await this.#exchange.step(response)
    if (answer instanceof Uint8Array)
      return { kind: 'challenge', bytes: formatReply(334, Buffer.from(answer).toString('base64')) }
    return answer ? { kind: 'user', user: answer } : { kind: 'failed' }
  }
}

const cancelled: Status = { code: 501, enhanced: '5.7.0', text: 'Authentication cancelled' }
const tooLong: Status = { code: 500, enhanced: '5.5.6', text: 'Line too long' }
const notBase64: Status = { code: 501, enhanced: '5.5.2', text: 'Not base64' }

/** A line of the client in the middle of an exchange; a status where it ends the exchange. */
export function readResponse(line: Buffer): Uint8Array | Status {
  if (line.length === 1 && line[0] === 0x2a) return cancelled
  if (line.length > limits.saslLineBytesMax) return tooLong
  return decodeBase64(latin1(line)) ?? notBase64
}
