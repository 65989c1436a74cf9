/** A name server for tests, by UDP and TCP on one port of loopback: what it says is written by another DNS library. */
import { createSocket } from 'node:dgram'
import { createServer, type AddressInfo } from 'node:net'
import {
  AUTHENTIC_DATA,
  decode,
  encode,
  RECURSION_AVAILABLE,
  TRUNCATED_RESPONSE,
  type Answer,
  type Packet,
} from 'dns-packet'

export interface Said {
  readonly answers?: readonly Answer[]
  readonly authorities?: readonly Answer[]
  readonly code?: number
  readonly secure?: boolean
  /** By UDP only that there is more. */
  readonly truncated?: boolean
  /** Instead of all that, or nothing: no answer. */
  readonly bytes?: readonly Uint8Array[]
}

export interface Asked {
  readonly name: string
  readonly type: string
  readonly by: 'udp' | 'tcp'
  readonly packet: Packet
}

export interface DnsServer {
  readonly port: number
  readonly asked: Asked[]
  close(): Promise<void>
}

export async function dnsServer(answer: (asked: Asked) => Said | undefined): Promise<DnsServer> {
  const asked: Asked[] = []
  const replies = (bytes: Buffer, by: Asked['by']): readonly Uint8Array[] => {
    const packet = decode(bytes)
    const [question] = packet.questions!
    const one = { name: question!.name, type: question!.type, by, packet }
    asked.push(one)
    const said = answer(one)
    if (!said) return []
    if (said.bytes) return said.bytes
    const cut = said.truncated === true && by === 'udp'
    const flags =
      RECURSION_AVAILABLE | (said.secure ? AUTHENTIC_DATA : 0) | (cut ? TRUNCATED_RESPONSE : 0) | (said.code ?? 0)
    const answers = cut ? [] : [...(said.answers ?? [])]
    return [
      encode({
        type: 'response',
        id: packet.id,
        flags,
        questions: packet.questions,
        answers,
        authorities: [...(said.authorities ?? [])],
      }),
    ]
  }
  for (;;) {
    const tcp = createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', (bytes) => {
        for (const reply of replies(bytes.subarray(2), 'tcp'))
          socket.write(Buffer.concat([Uint8Array.of(reply.length >> 8, reply.length & 0xff), reply]))
      })
    })
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve))
    const { port } = tcp.address() as AddressInfo
    const udp = createSocket('udp4')
    udp.on('message', (bytes, from) => {
      for (const reply of replies(bytes, 'udp')) udp.send(reply, from.port, from.address)
    })
    const bound = await new Promise<boolean>((resolve) => {
      udp.once('error', () => resolve(false))
      udp.bind(port, '127.0.0.1', () => resolve(true))
    })
    const close = async (): Promise<void> => {
      if (bound) await new Promise<void>((done) => udp.close(done))
      await new Promise((done) => tcp.close(done))
    }
    if (bound) return { port, asked, close }
    // Somebody else's UDP port: another one.
    await close()
  }
}
