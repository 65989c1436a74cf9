/** An LDAP client with the library ldapts, loaded on first use. Connections, TLS and reconnecting are done here. RFC 4511, RFC 4513. */
import * as net from 'node:net'
import * as tls from 'node:tls'
import type { Client, Entry } from 'ldapts'
import type { LdapEntry, LdapPlace, LdapQuestion, LdapServer, OpenLdap } from '../../base/ldap.ts'

/** After no server could be reached, requests fail at once for this time: else each would wait for its own timeout. */
const downMs = 1000
/** How long an idle connection for binds is kept: the next sign-in then costs no handshake. */
const idleMs = 30_000
/** TCP keep-alive, so that a firewall does not silently drop the connection. */
const keepAliveMs = 60_000
/** A response to STARTTLS has some fourteen bytes, perhaps with a short text. */
const startTlsAnswerMax = 4096

/** RFC 4511 appendix A: noSuchObject. */
const noSuchObject = 32
/**
 * Result codes of a bind that mean a refusal for this entry only: constraintViolation (locked, by some servers), noSuchObject,
 * invalidDNSyntax, inappropriateAuthentication (no password), invalidCredentials, insufficientAccessRights, unwillingToPerform.
 */
const refusedCodes: readonly number[] = [19, noSuchObject, 34, 48, 49, 50, 53]

export const openLdap: OpenLdap = (place) => new RealLdapServer(place)

/** The result code of the server's response; undefined if there was none. */
function resultCode(error: unknown): number | undefined {
  const { code } = error as { code?: unknown }
  return typeof code === 'number' ? code : undefined
}

/** Limit of a response: a thousand entries of some kilobytes each. */
const answerBytesMax = 8 * 1024 * 1024

/**
 * Ends a connection whose server sends more than a limit: the library gathers responses without one. Each request has its own budget;
 * what earlier ones left over does not add up.
 */
class AnswerBudget {
  #questions = 0
  #left = 0

  constructor(socket: net.Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.#left -= chunk.length
      if (this.#left < 0) socket.destroy(new Error(`the directory's answer is larger than ${answerBytesMax} bytes`))
    })
  }

  async during<T>(asked: () => Promise<T>): Promise<T> {
    this.#questions++
    this.#left += answerBytesMax
    try {
      return await asked()
    } finally {
      this.#questions--
      this.#left = Math.min(this.#left, this.#questions * answerBytesMax)
    }
  }
}

const budgets = new WeakMap<Client, AnswerBudget>()

/** Within the connection's budget. */
function ask<T>(client: Client, question: () => Promise<T>): Promise<T> {
  return budgets.get(client)!.during(question)
}

class RealLdapServer implements LdapServer {
  readonly #place: LdapPlace
  /** The connection for searches: many at the same time, by their message ids. */
  #looking: Promise<Client> | undefined
  /** Connections for binds: each bind needs one of its own (RFC 4511 §4.2.1). */
  readonly #idle = new Map<Client, NodeJS.Timeout>()
  /** The URL that answered last. */
  #answers = 0
  #down: { readonly untilMs: number; readonly error: unknown } | undefined
  #closed = false

  constructor(place: LdapPlace) {
    this.#place = place
  }

  async search(question: LdapQuestion): Promise<readonly LdapEntry[]> {
    const { base, scope, filter, attributes, entriesMax } = question
    const options = { scope, filter, attributes: [...attributes], sizeLimit: entriesMax }
    return this.#again(
      async () => {
        const before = this.#looking
        const known = await before?.catch(() => undefined)
        if (known?.isConnected) return { client: known, fresh: false }
        // Unless another request has begun a new one meanwhile.
        if (this.#looking === before) this.#looking = this.#lookUpConnection()
        return { client: await this.#looking!, fresh: true }
      },
      async (client) => {
        try {
          return (await ask(client, () => client.search(base, options))).searchEntries.map(entryOf)
        } catch (error) {
          // A group may list a deleted member. For other scopes a missing base is a configuration error.
          if (scope === 'base' && resultCode(error) === noSuchObject) return []
          throw error
        }
      },
    )
  }

  async bind(dn: string, password: string): Promise<boolean> {
    if (password === '') throw new Error('a bind without a password proves nothing')
    return this.#again(
      async () => {
        for (const [client, timer] of this.#idle) {
          this.#idle.delete(client)
          clearTimeout(timer)
          if (client.isConnected) return { client, fresh: false }
        }
        return { client: await this.#connect(), fresh: true }
      },
      async (client) => {
        try {
          await ask(client, () => client.bind(dn, password))
          this.#keep(client)
          return true
        } catch (error) {
          const code = resultCode(error)
          if (code !== undefined) this.#keep(client)
          if (code === undefined || !refusedCodes.includes(code)) throw error
          return false
        }
      },
    )
  }

  close(): void {
    this.#closed = true
    for (const [client, timer] of this.#idle) {
      clearTimeout(timer)
      end(client)
    }
    this.#idle.clear()
    void this.#looking?.then(end, () => {})
  }

  /** Tries again if a kept connection turns out to be closed; a failure on a new one is final. */
  async #again<T>(
    take: () => Promise<{ readonly client: Client; readonly fresh: boolean }>,
    work: (client: Client) => Promise<T>,
  ): Promise<T> {
    for (;;) {
      const { client, fresh } = await take()
      const sinceMs = performance.now()
      try {
        return await work(client)
      } catch (error) {
        if (resultCode(error) !== undefined) throw error
        end(client)
        // After a timeout, a second try would only time out again.
        if (fresh || performance.now() - sinceMs >= this.#place.timeoutMs) throw error
      }
    }
  }

  #keep(client: Client): void {
    if (this.#closed || !client.isConnected) return end(client)
    const timer = setTimeout(() => {
      this.#idle.delete(client)
      end(client)
    }, idleMs)
    timer.unref()
    this.#idle.set(client, timer)
  }

  async #lookUpConnection(): Promise<Client> {
    const client = await this.#connect()
    const { bindDn, bindPassword } = this.#place
    if (bindDn === '') return client
    try {
      await ask(client, () => client.bind(bindDn, bindPassword))
      return client
    } catch (error) {
      end(client)
      throw new Error(`the directory does not let us look up as ${bindDn}: ${String(error)}`, { cause: error })
    }
  }

  async #connect(): Promise<Client> {
    if (this.#closed) throw new Error('closed')
    if (this.#down && performance.now() < this.#down.untilMs) throw this.#down.error
    const { urls, timeoutMs } = this.#place
    const { Client } = await import('ldapts')
    let last: unknown
    for (let tried = 0; tried < urls.length; tried++) {
      const at = (this.#answers + tried) % urls.length
      try {
        const socket = await connectTo(urls[at]!, this.#place)
        this.#answers = at
        this.#down = undefined
        return clientOn(Client, socket, timeoutMs)
      } catch (error) {
        last = new Error(`${urls[at]}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
      }
    }
    this.#down = { untilMs: performance.now() + downMs, error: last }
    throw last
  }
}

/** The library would reconnect by itself after a loss: without TLS and anonymously. This client has one socket, and ends with it. */
function clientOn(Library: typeof Client, socket: net.Socket, timeoutMs: number): Client {
  let given = false
  const client = new Library({
    url: 'ldap://directory',
    timeout: timeoutMs,
    createConnection: () => {
      if (given) throw new Error('the connection was lost')
      given = true
      return socket
    },
  })
  budgets.set(client, new AnswerBudget(socket))
  return client
}

function end(client: Client): void {
  void client.unbind().catch(() => {})
}

function entryOf({ dn, ...attributes }: Entry): LdapEntry {
  const values = new Map<string, readonly string[]>()
  for (const [name, value] of Object.entries(attributes)) {
    // Binary attributes are never requested.
    const texts = [value].flat().filter((one) => typeof one === 'string')
    if (texts.length > 0) values.set(name.toLowerCase(), texts)
  }
  return { dn, values }
}

/** Connects; with TLS where configured, so that passwords may be sent. */
async function connectTo(url: string, { startTls, ca, connectTimeoutMs }: LdapPlace): Promise<net.Socket> {
  const { protocol, hostname, port } = new URL(url)
  const secure = protocol === 'ldaps:'
  const host = hostname.replace(/^\[|\]$/g, '')
  const tcp = net.connect({ host, port: port === '' ? (secure ? 636 : 389) : Number(port) })
  const timer = setTimeout(() => tcp.destroy(new Error('no connection in time')), connectTimeoutMs)
  try {
    tcp.setKeepAlive(true, keepAliveMs)
    tcp.setNoDelay(true)
    await opened(tcp, 'connect')
    if (!secure && !startTls) return quiet(tcp)
    if (!secure) await askForTls(tcp)
    const servername = net.isIP(host) === 0 ? { servername: host } : {}
    const socket = tls.connect({ socket: tcp, host, ...servername, ...(ca === undefined ? {} : { ca }) })
    await opened(socket, 'secureConnect')
    return quiet(socket)
  } catch (error) {
    tcp.destroy()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** Ignores errors while the socket changes hands: they show at its next use. */
function quiet<T extends net.Socket>(socket: T): T {
  socket.on('error', () => {})
  return socket
}

function opened(socket: net.Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the connection was closed')))
    socket.once(event, () => {
      socket.removeListener('error', reject)
      resolve()
    })
  })
}

/** ExtendedRequest 1.3.6.1.4.1.1466.20037 with message id 1. RFC 4511 §4.14.1. */
const startTlsRequest = Buffer.concat([
  Buffer.from([0x30, 0x1d, 0x02, 0x01, 0x01, 0x77, 0x18, 0x80, 0x16]),
  Buffer.from('1.3.6.1.4.1.1466.20037'),
])

/**
 * STARTTLS without the library: nothing in clear may follow the response. A client that kept such bytes would later take an attacker's
 * injected data for the server's, see RFC 4513 §3.1.1; many mail programs had this bug.
 */
function askForTls(socket: net.Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let read = Buffer.alloc(0)
    const finish = (error?: Error): void => {
      socket.removeListener('data', taken)
      socket.removeListener('error', finish)
      socket.removeListener('close', closed)
      if (error) reject(error)
      else resolve()
    }
    const closed = (): void => finish(new Error('closed instead of STARTTLS'))
    const taken = (chunk: Buffer): void => {
      read = Buffer.concat([read, chunk])
      const answer = startTlsAnswer(read)
      if (answer === 'more') return
      socket.pause()
      finish(answer === 'yes' ? undefined : new Error('the server does not do STARTTLS'))
    }
    socket.on('data', taken)
    socket.on('error', finish)
    socket.on('close', closed)
    socket.write(startTlsRequest)
  })
}

/** `SEQUENCE { messageID 1, [APPLICATION 24] { resultCode success, … } }` and not a byte more. RFC 4511 §4.12, §5.1. */
export function startTlsAnswer(bytes: Uint8Array): 'yes' | 'no' | 'more' {
  const outer = elementAt(bytes, 0)
  if (bytes.length > 0 && bytes[0] !== 0x30) return 'no'
  if (bytes.length > startTlsAnswerMax || (outer && outer.end > startTlsAnswerMax)) return 'no'
  if (outer === undefined || bytes.length < outer.end) return 'more'
  const id = elementAt(bytes, outer.start)
  const response = id && elementAt(bytes, id.end)
  const code = response && elementAt(bytes, response.start)
  const success =
    outer.tag === 0x30 &&
    id?.tag === 0x02 &&
    id.end - id.start === 1 &&
    bytes[id.start] === 1 &&
    response?.tag === 0x78 &&
    code?.tag === 0x0a &&
    code.end - code.start === 1 &&
    bytes[code.start] === 0
  return success && bytes.length === outer.end ? 'yes' : 'no'
}

/** An element's tag, and where its contents start and end; lengths in up to four bytes. RFC 4511 §5.1. */
function elementAt(bytes: Uint8Array, at: number): { tag: number; start: number; end: number } | undefined {
  const tag = bytes[at]
  const first = bytes[at + 1]
  if (tag === undefined || first === undefined) return undefined
  if (first < 0x80) return { tag, start: at + 2, end: at + 2 + first }
  const count = first & 0x7f
  if (count > 4) return { tag: -1, start: at, end: at }
  let length = 0
  for (let i = 0; i < count; i++) {
    const byte = bytes[at + 2 + i]
    if (byte === undefined) return undefined
    length = length * 256 + byte
  }
  return { tag, start: at + 2 + count, end: at + 2 + count + length }
}
