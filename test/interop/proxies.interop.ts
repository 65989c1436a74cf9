/** swaks as a proxy: PROXY headers of both versions, before a handshake too, and XCLIENT with all that it can say. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIpNetwork } from '../../src/base/ip-network.ts'
import type { Service } from '../../src/config/config.ts'
import { startReal, type RealOptions, type RealSystem } from '../stories/real.ts'
import { messagesIn } from '../stories/world.ts'
import { alice, run, without } from './programs.ts'

const skip = without('swaks')
const here = [parseIpNetwork('127.0.0.0/8')!]

async function withProxies(options: Partial<RealOptions>, work: (real: RealSystem) => Promise<void>): Promise<void> {
  const real = await startReal({ users: [alice], ...options })
  try {
    await work(real)
  } finally {
    await real.stop()
  }
}

/** @returns the Received field of the message. */
async function sent(real: RealSystem, service: Service, args: readonly string[]): Promise<string> {
  const at = ['--server', '127.0.0.1', '-p', `${real.port(service)}`, '--from', 'x@y.example', '--to', alice]
  const { code, out, err } = await run('swaks', [...at, '--helo', 'far.example', ...args])
  assert.equal(code, 0, `${out}\n${err}`)
  return /^Received: ([^]*?)\r\n\S/m.exec((await messagesIn(real.system, alice)).at(-1)!)![1]!.replace(/\s+/g, ' ')
}

const addresses = ['--proxy-source-port', '4711', '--proxy-dest-port', '25']
const four = ['--proxy-source', '203.0.113.7', '--proxy-dest', '192.0.2.25', ...addresses]
const six = ['--proxy-source', '2001:db8::7', '--proxy-dest', '2001:db8::25', ...addresses]

test('swaks with PROXY headers', { skip }, async () => {
  await withProxies({ proxyFrom: here }, async (real) => {
    // Its LOCAL is wrong: 15 bytes, with a command that does not exist.
    const cases: readonly (readonly [Service, readonly string[], string])[] = [
      ['smtp', ['--proxy-family', 'TCP4', ...four], '[203.0.113.7]'],
      ['smtp', ['--proxy-family', 'TCP6', ...six], '[IPv6:2001:db8::7]'],
      ['smtp', ['--proxy-version', '2', '--proxy-family', 'AF_INET', ...four], '[203.0.113.7]'],
      ['smtp', ['--proxy-version', '2', '--proxy-family', 'AF_INET6', ...six], '[IPv6:2001:db8::7]'],
      ['lmtp', ['--protocol', 'LMTP', '--proxy-family', 'TCP4', ...four], '[203.0.113.7]'],
      ['smtp', ['--tls', '--proxy-family', 'TCP4', ...four], '[203.0.113.7]'],
    ]
    for (const [service, args, expected] of cases)
      assert.ok((await sent(real, service, args)).includes(expected), `${args.join(' ')}: ${expected}`)
    const at = ['--server', '127.0.0.1', '-p', `${real.port('smtp')}`, '--from', 'x@y.example', '--to', alice]
    const wrong = await run('swaks', [...at, '--proxy', 'TCP4 x'])
    assert.notEqual(wrong.code, 0)
    assert.doesNotMatch(wrong.out, /^<-? *220/m)
  })
})

test('swaks with XCLIENT', { skip }, async () => {
  const attributes = ['--xclient-name', 'spike.porcupine.org', '--xclient-addr', '168.100.189.2']
  const more = ['--xclient-port', '4711', '--xclient-destaddr', '192.0.2.25', '--xclient-destport', '25']
  await withProxies({ smtp: { xclientFrom: here } }, async (real) => {
    assert.match(
      await sent(real, 'smtp', [...attributes, ...more]),
      /^from far\.example \(spike\.porcupine\.org \[168\.100\.189\.2\]\) by \S+ with ESMTP id/,
    )
    const told = ['--xclient-helo', 'really.example', '--xclient-proto', 'SMTP', '--xclient-addr', 'IPV6:2001:db8::7']
    assert.match(
      await sent(real, 'smtp', [...told, '--xclient-delim', '--xclient-name', '[UNAVAILABLE]']),
      /^from really\.example \(\[IPv6:2001:db8::7\]\) by \S+ with SMTP id/,
    )
  })
  await withProxies({}, async (real) => {
    const at = ['--server', '127.0.0.1', '-p', `${real.port('smtp')}`, '--from', 'x@y.example', '--to', alice]
    const { out } = await run('swaks', [...at, ...attributes])
    assert.doesNotMatch(out, /250[ -]XCLIENT/)
    assert.equal((await messagesIn(real.system, alice)).length, 0)
  })
})
