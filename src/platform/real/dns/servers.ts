/** Which servers are asked: configured ones, or the system's. resolv.conf(5). */
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'

export interface DnsServer {
  readonly address: string
  readonly port: number
}

const dnsPort = 53
/** As the C library does it. */
const serversMax = 3
/** A machine that moves to another network gets other servers, and a service is not restarted for it. */
const systemRereadMs = 60_000

/** @param text `address`, `address:port` or `[IPv6]:port`. */
export function parseServer(text: string): DnsServer | undefined {
  const found = /^(?:\[([^\]]+)\](?::(\d{1,5}))?|([\d.]+)(?::(\d{1,5}))?)$/.exec(text)
  const address = found?.[1] ?? found?.[3] ?? text
  const port = Number(found?.[2] ?? found?.[4] ?? dnsPort)
  return isIP(address) === 0 || port < 1 || port > 65_535 ? undefined : { address, port }
}

/** `nameserver` lines; search lists and options are for people at keyboards. */
export function parseResolvConf(text: string): DnsServer[] {
  return [...text.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm)]
    .flatMap(([, address]) => (isIP(address!) === 0 ? [] : [{ address: address!, port: dnsPort }]))
    .slice(0, serversMax)
}

/** A function that names the servers to ask now. */
export function dnsServers(
  configured: readonly string[] = [],
  file = '/etc/resolv.conf',
): () => Promise<readonly DnsServer[]> {
  const fixed = configured.flatMap((text) => parseServer(text) ?? [])
  if (fixed.length > 0) return async () => fixed
  let read: { readonly servers: Promise<readonly DnsServer[]>; readonly atMs: number } | undefined
  const load = async (): Promise<readonly DnsServer[]> => {
    const servers = parseResolvConf(await readFile(file, 'utf8').catch(() => ''))
    // Without a word the C library asks this machine.
    return servers.length > 0 ? servers : [{ address: '127.0.0.1', port: dnsPort }]
  }
  return () => {
    const nowMs = performance.now()
    if (!read || nowMs - read.atMs > systemRereadMs) read = { servers: load(), atMs: nowMs }
    return read.servers
  }
}
