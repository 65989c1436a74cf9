/** The system's resolvers, or those of `dns.servers`, through Node's c-ares. */
import { promises as dns } from 'node:dns'
import type { DnsOutcome, Resolver } from '../../base/resolver.ts'

const timeoutMs = 5000
const tries = 2

async function ask<T>(question: () => Promise<readonly T[]>): Promise<DnsOutcome<T>> {
  try {
    const records = await question()
    return records.length > 0 ? { kind: 'found', records } : { kind: 'none', nameExists: true }
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'ENOTFOUND') return { kind: 'none', nameExists: false }
    if (code === 'ENODATA') return { kind: 'none', nameExists: true }
    return { kind: 'failed', reason: code ?? String(error) }
  }
}

/** @param servers `address` or `address:port`; undefined: the system's. */
export function realResolver(servers?: readonly string[]): Resolver {
  const resolver = new dns.Resolver({ timeout: timeoutMs, tries })
  if (servers && servers.length > 0) resolver.setServers([...servers])
  return {
    mx: (name) =>
      ask(async () =>
        (await resolver.resolveMx(name)).map(({ priority, exchange }) => ({
          preference: priority,
          exchange: exchange.toLowerCase().replace(/\.$/, ''),
        })),
      ),
    async addresses(name) {
      // "localhost" is ours to answer and must not be asked of a server. RFC 6761 §6.3.
      if (name === 'localhost' || name.endsWith('.localhost')) return { kind: 'found', records: ['127.0.0.1', '::1'] }
      const [four, six] = await Promise.all([ask(() => resolver.resolve4(name)), ask(() => resolver.resolve6(name))])
      const records = [four, six].flatMap((outcome) => (outcome.kind === 'found' ? outcome.records : []))
      if (records.length > 0) return { kind: 'found', records }
      if (four.kind === 'failed') return four
      if (six.kind === 'failed') return six
      return { kind: 'none', nameExists: [four, six].some((outcome) => outcome.kind === 'none' && outcome.nameExists) }
    },
    srv: (name) =>
      ask(async () =>
        (await resolver.resolveSrv(name)).map(({ priority, weight, port, name: target }) => ({
          priority,
          weight,
          port,
          target: target.toLowerCase().replace(/\.$/, ''),
        })),
      ),
    reverse: (address) =>
      ask(async () => (await resolver.reverse(address)).map((name) => name.toLowerCase().replace(/\.$/, ''))),
    txt: (name) => ask(async () => (await resolver.resolveTxt(name)).map((parts) => parts.join(''))),
  }
}
