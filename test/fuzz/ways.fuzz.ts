/** What strangers can make us read on the way out: policies and records, certificates, a proxy's words. Nothing throws, hangs or grows. */
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import type { Connection, ConnectionHandler, Network } from '../../src/base/network.ts'
import { realClock } from '../../src/platform/real/clock.ts'
import { seededRandom } from '../../src/platform/simulated/random.ts'
import { simulatedResolver } from '../../src/platform/simulated/resolver.ts'
import { throughProxy } from '../../src/transport/smtp/socks.ts'
import { checkDane } from '../../src/trust/dane/check.ts'
import { usableRecords } from '../../src/trust/dane/tlsa.ts'
import { allowsHost, parseStsPolicy, parseStsRecord } from '../../src/trust/mta-sts/policy.ts'
import { parseTlsRptRecord } from '../../src/trust/tls-rpt/record.ts'
import { makeAuthority } from '../stories/client-certificates.ts'

const seconds = Number(process.env.FUZZ_SECONDS ?? 20) / 3
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000)
const { below } = seededRandom(seed)
/** One call may not take longer, whatever it is given. */
const slowMs = 500

const authority = await makeAuthority('anchor')
const { cert } = await authority.sign({ names: ['mx.b.example'] })
const leaf = Buffer.from(new X509Certificate(cert).raw)
const root = Buffer.from(new X509Certificate(authority.cert).raw)

function rounds(work: () => void): void {
  const until = Date.now() + seconds * 1000
  while (Date.now() < until) {
    const before = performance.now()
    work()
    assert.ok(performance.now() - before < slowMs)
  }
}

function mutated(bytes: Buffer): Buffer {
  let out = Buffer.from(bytes)
  for (let times = 1 + below(5); times > 0; times--) {
    const at = below(out.length + 1)
    const kind = below(5)
    if (kind === 0) out = out.subarray(0, at)
    else if (kind === 1) out = Buffer.concat([out.subarray(0, at), out.subarray(below(at + 1))])
    else if (kind === 2) out = Buffer.concat([out.subarray(0, at), Buffer.alloc(below(3000), below(256))])
    else if (at < out.length) out[at] = kind === 3 ? below(256) : out[at]! ^ (1 << below(8))
  }
  return out
}

const texts = [
  'version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n',
  'v=STSv1; id=20160831085700Z;',
  'v=TLSRPTv1; rua=mailto:reports@example.com,https://reporting.example.com/v1/tlsrpt',
].map((text) => Buffer.from(text))

test(`policies and records, seed ${seed}`, () => {
  rounds(() => {
    const text = mutated(texts[below(texts.length)]!).toString('latin1')
    const policy = parseStsPolicy(text)
    if (typeof policy !== 'string') {
      assert.ok(policy.maxAgeS <= 31_557_600 && policy.mx.length <= 100)
      for (const host of ['mail.example.com', 'a.example.net', text.slice(0, 300)]) allowsHost(policy, host)
    }
    const id = parseStsRecord([text])
    assert.ok(id === undefined || /^[A-Za-z0-9]{1,32}$/.test(id))
    assert.ok(parseTlsRptRecord([text]).length <= 5)
  })
})

test(`certificates and TLSA records, seed ${seed}`, () => {
  rounds(() => {
    const shown = below(2) === 0 ? [mutated(leaf), root] : [leaf, mutated(root), mutated(root)]
    const [usage, selector, matching] = [below(5), below(3), below(4)]
    const data =
      matching === 0
        ? mutated(root)
        : createHash(matching === 1 ? 'sha256' : 'sha512')
            .update(root)
            .digest()
    const records = usableRecords([{ usage, selector, matching, data: below(20) === 0 ? mutated(data) : data }])
    const result = checkDane(records, shown, ['mx.b.example'], Date.now())
    // The leaf is for clients: no anchor may vouch for it, and its own digest is in no record.
    assert.equal(result.kind, 'failed')
  })
})

/** Says what it is given, in pieces, and hangs up. */
function proxyThatSays(words: Buffer): Network {
  const connect = async (): Promise<Connection> => {
    let handler: ConnectionHandler | undefined
    const peer = { address: '127.0.0.1', port: 1, localAddress: '127.0.0.1', localPort: 2 }
    const say = (): void => {
      for (let at = 0; at < words.length;) {
        const size = 1 + below(20)
        handler!.data(words.subarray(at, at + size))
        at += size
      }
      handler!.end()
      handler!.close()
    }
    return {
      peer,
      tls: null,
      receive(given) {
        handler = given
        setImmediate(say)
      },
      write: () => true,
      pause() {},
      resume() {},
      end() {},
      destroy() {},
      startTlsServer: () => Promise.reject(new Error('no TLS')),
      startTlsClient: () => Promise.reject(new Error('no TLS')),
    }
  }
  return { connect, listen: () => Promise.reject(new Error('nobody listens')) }
}

test(`a proxy's words, seed ${seed}`, async () => {
  const resolver = simulatedResolver({ names: new Map(), fails: () => false })
  const good = Buffer.from([5, 0, 5, 0, 0, 1, 127, 0, 0, 1, 0, 25, ...Buffer.from('220 hello\r\n')])
  const until = Date.now() + seconds * 1000
  let opened = 0
  for (let round = 0; Date.now() < until; round++) {
    const words = round % 10 === 0 ? good : mutated(good)
    const tools = { network: proxyThatSays(words), resolver, clock: realClock }
    const network = throughProxy(tools, { host: '127.0.0.1', port: 1080, username: below(2) ? 'us' : undefined })
    const connection = await network.connect({ address: '192.0.2.1', port: 25, timeoutMs: 2000 }).catch(() => undefined)
    if (!connection) continue
    opened++
    const heard = await new Promise<string>((resolve) => {
      let text = ''
      connection.receive({
        data: (chunk) => void (text += Buffer.from(chunk).toString('latin1')),
        drain() {},
        end() {},
        close: () => resolve(text),
      })
    })
    if (words === good) assert.equal(heard, '220 hello\r\n')
  }
  assert.ok(opened > 0)
})
