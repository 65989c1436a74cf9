/** Reads the PROXY header from a socket and leaves what follows unread: SMTP commands, a TLS handshake, an HTTP request. */
import type { Socket } from 'node:net'
import type { Peer } from '../../base/network.ts'
import { readProxyHeader } from '../../base/proxy-header.ts'

/** A proxy sends it in the first packet. */
const headerTimeoutMs = 5000

/** @returns the peer that the header names. Without a valid header in time, rejects and destroys the socket. */
export function readProxied(socket: Socket, own: Peer): Promise<Peer> {
  return new Promise((resolve, reject) => {
    let held: Buffer = Buffer.alloc(0)
    const timer = setTimeout(() => fail('no PROXY header in time'), headerTimeoutMs)
    const settle = (): void => {
      clearTimeout(timer)
      socket.off('readable', read)
      socket.off('end', ended)
      socket.off('close', ended)
      socket.off('error', failed)
    }
    const fail = (problem: string): void => {
      settle()
      // An error event without a listener would end the process.
      socket.on('error', () => {})
      socket.destroy()
      reject(new Error(problem))
    }
    const ended = (): void => fail('the proxy hung up before its header')
    const failed = (error: Error): void => fail(error.message)
    const read = (): void => {
      const chunk = socket.read() as Buffer | null
      if (chunk === null) return
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      const header = readProxyHeader(held)
      if (header.kind === 'incomplete') return
      if (header.kind === 'fault') return fail(header.problem)
      settle()
      const rest = held.subarray(header.sizeBytes)
      if (rest.length > 0) socket.unshift(rest)
      resolve(header.addresses ?? own)
    }
    socket.on('end', ended)
    socket.on('close', ended)
    socket.on('error', failed)
    socket.on('readable', read)
  })
}
