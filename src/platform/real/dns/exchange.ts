/** Sends one query to one server: by UDP, and by TCP if the response is larger. RFC 1035 §4.2, RFC 5452, RFC 7766. */
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { answersQuestion, decodeMessage, encodeQuestion, type DnsMessage, type QuestionOptions } from './message.ts'
import type { DnsServer } from './servers.ts'

export interface Question {
  readonly name: string
  readonly type: number
}

/**
 * Responses with a wrong id or question are spoofing attempts: after so many the query goes by TCP, where guessing does not help. RFC 5452
 * §9.2.
 */
const strangersMax = 10

/** Throws without a response in time. */
export async function exchange(
  server: DnsServer,
  question: Question,
  options: QuestionOptions,
  timeoutMs: number,
): Promise<DnsMessage> {
  const answer = await askUdp(server, question, options, timeoutMs)
  return answer === undefined || answer.truncated ? askTcp(server, question, options, timeoutMs) : answer
}

/** undefined if it is malformed, or no response to this query. */
function ownAnswer(bytes: Uint8Array, id: number, { name, type }: Question): DnsMessage | undefined {
  try {
    const message = decodeMessage(bytes)
    return answersQuestion(message, id, name, type) ? message : undefined
  } catch {
    return undefined
  }
}

/** undefined: too many wrong responses. Each query has its own socket, and so a random port chosen by the kernel. */
function askUdp(
  { address, port }: DnsServer,
  question: Question,
  options: QuestionOptions,
  timeoutMs: number,
): Promise<DnsMessage | undefined> {
  const id = randomInt(0x1_0000)
  const asked = encodeQuestion(id, question.name, question.type, options)
  if (!asked) return Promise.reject(new Error(`${question.name} is no name to ask for`))
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    let strangers = 0
    const end = (work: () => void): void => {
      clearTimeout(timer)
      socket.removeAllListeners()
      // A late network error without a listener would end the process.
      socket.on('error', () => {})
      socket.close()
      work()
    }
    const timer = setTimeout(() => end(() => reject(new Error(`${address} does not answer`))), timeoutMs)
    socket.once('error', (error) => end(() => reject(error)))
    socket.on('message', (bytes) => {
      const answer = ownAnswer(bytes, id, question)
      if (answer) end(() => resolve(answer))
      else if (++strangers >= strangersMax) end(() => resolve(undefined))
    })
    // Connected: the kernel drops packets from elsewhere, and reports a closed port.
    // If there is no route (no network, no IPv6), Node reports it here, not as an event.
    const unlessFailed = (error?: Error | null): boolean => {
      if (error) end(() => reject(error))
      return !error
    }
    socket.connect(port, address, (error?: Error | null) => {
      if (unlessFailed(error)) socket.send(asked, unlessFailed)
    })
  })
}

function askTcp(
  { address, port }: DnsServer,
  question: Question,
  options: QuestionOptions,
  timeoutMs: number,
): Promise<DnsMessage> {
  const id = randomInt(0x1_0000)
  const asked = encodeQuestion(id, question.name, question.type, options)
  if (!asked) return Promise.reject(new Error(`${question.name} is no name to ask for`))
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, noDelay: true })
    const parts: Buffer[] = []
    let received = 0
    let wanted: number | undefined
    const fail = (error: Error): void => {
      clearTimeout(timer)
      socket.destroy()
      reject(error)
    }
    const timer = setTimeout(() => fail(new Error(`${address} does not answer by TCP`)), timeoutMs)
    socket.on('error', fail)
    socket.on('close', () => fail(new Error(`${address} ended the connection without an answer`)))
    socket.on('connect', () => {
      const length = new Uint8Array([asked.length >> 8, asked.length & 0xff])
      socket.write(Buffer.concat([length, asked]))
    })
    socket.on('data', (part) => {
      parts.push(part)
      received += part.length
      if (wanted === undefined && received >= 2) wanted = 2 + Buffer.concat(parts).readUInt16BE(0)
      if (wanted === undefined || received < wanted) return
      const answer = ownAnswer(Buffer.concat(parts).subarray(2, wanted), id, question)
      if (!answer) return fail(new Error(`${address} answers something else`))
      clearTimeout(timer)
      socket.removeAllListeners('close')
      socket.destroy()
      resolve(answer)
    })
  })
}
