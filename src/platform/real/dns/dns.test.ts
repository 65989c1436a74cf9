import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DnsCache } from './cache.ts'
import { decodeMessage, encodeName, encodeQuestion, readName } from './message.ts'
import { dnsServers, parseResolvConf, parseServer } from './servers.ts'

test('servers are written with and without a port', () => {
  assert.deepEqual(parseServer('192.0.2.1'), { address: '192.0.2.1', port: 53 })
  assert.deepEqual(parseServer('192.0.2.1:5353'), { address: '192.0.2.1', port: 5353 })
  assert.deepEqual(parseServer('[2001:db8::1]:5353'), { address: '2001:db8::1', port: 5353 })
  assert.deepEqual(parseServer('2001:db8::1'), { address: '2001:db8::1', port: 53 })
  for (const wrong of ['ns.example', '192.0.2.1:0', '192.0.2.1:70000', '']) assert.equal(parseServer(wrong), undefined)
})

test("the system's servers are those of resolv.conf, three at most, and this machine without one", async () => {
  const text =
    '# x\nsearch lan\nnameserver 192.0.2.1\n  nameserver\t2001:db8::1 # y\nnameserver nonsense\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n'
  assert.deepEqual(
    parseResolvConf(text).map(({ address }) => address),
    ['192.0.2.1', '2001:db8::1', '192.0.2.3'],
  )
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-dns-'))
  writeFileSync(join(folder, 'resolv.conf'), text)
  assert.equal((await dnsServers([], join(folder, 'resolv.conf'))())[0]!.address, '192.0.2.1')
  assert.deepEqual(await dnsServers([], join(folder, 'nothing'))(), [{ address: '127.0.0.1', port: 53 }])
  rmSync(folder, { recursive: true })
})

test('a name ends: pointers lead back only, and its length is bounded', () => {
  const at = (hex: string, start: number): string => readName(Buffer.from(hex, 'hex'), start).name
  assert.equal(at('0161076578616d706c6500', 0), 'a.example')
  assert.equal(at('076578616d706c65000161c000', 9), 'a.example')
})

test('names that loop, run out or are too long are faults', () => {
  const fails = (hex: string, start = 0): void =>
    assert.throws(() => readName(Buffer.from(hex, 'hex'), start), /name|label/)
  fails('c000')
  fails('c002c000')
  fails('0161c000')
  fails('0561')
  fails('80')
  fails('c0')
  fails('')
  fails(`${'3f'.padEnd(128, '61').repeat(5)}00`)
})

test('bytes that no host name has cannot pass for one', () => {
  assert.equal(readName(Buffer.from('\x03a.b\x02c\\\x00', 'latin1'), 0).name, 'a\\046b.c\\092')
  assert.equal(encodeName('a\\046b') === undefined, false)
  assert.equal(encodeName(`${'a.'.repeat(127)}a`), undefined)
  assert.equal(encodeName(`${'a.'.repeat(126)}a`)!.length, 255)
})

test('a question reads back', () => {
  const { question, id } = decodeMessage(encodeQuestion(7, 'mail.a.example', 15, { extended: true, signatures: true })!)
  assert.deepEqual({ question, id }, { question: { name: 'mail.a.example', type: 15, inClass: 1 }, id: 7 })
})

test('the cache forgets in time, and the least used first when it is full', () => {
  let nowMs = 0
  const cache = new DnsCache<string>(() => nowMs)
  cache.set('a', 'one', 0, { kind: 'positive', ttlS: 10 })
  nowMs = 9999
  assert.equal(cache.get('a'), 'one')
  nowMs = 10_000
  assert.equal(cache.get('a'), undefined)
  cache.set('week', 'x', 0, { kind: 'positive', ttlS: 7 * 86_400 })
  cache.set('never', 'x', 0, { kind: 'negative', ttlS: 86_400 })
  nowMs += 3 * 3600_000
  assert.equal(cache.get('never'), undefined)
  assert.equal(cache.get('week'), 'x')
  nowMs += 24 * 3600_000
  assert.equal(cache.get('week'), undefined)
  const keep = { kind: 'positive', ttlS: 1000 } as const
  for (let i = 0; i < 10_000; i++) cache.set(`n${i}`, 'x', 0, keep)
  cache.get('n0')
  cache.set('more', 'x', 0, keep)
  assert.deepEqual([cache.size, cache.get('n0'), cache.get('n1')], [10_000, 'x', undefined])
  for (let i = 0; i < 400; i++) cache.set(`big${i}`, 'x', 65_000, keep)
  assert.ok(cache.size < 300, String(cache.size))
})
