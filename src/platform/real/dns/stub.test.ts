import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { encode, RECURSION_AVAILABLE, type Answer } from 'dns-packet'
import { dnsServer, type Asked, type DnsServer, type Said } from '../../../../test/support/dns-server.ts'
import type { Resolver } from '../../../base/resolver.ts'
import { realResolver, type ResolverOptions } from '../resolver.ts'

const soa = (ttl: number, minimum: number): Answer => ({
  type: 'SOA',
  name: 'a.example',
  ttl,
  data: { mname: 'ns.a.example', rname: 'x.a.example', serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
})
const address = (name: string, data = '192.0.2.1', ttl = 60): Answer => ({ type: 'A', name, ttl, data })
const alias = (name: string, data: string, ttl = 60): Answer => ({ type: 'CNAME', name, ttl, data })

async function world(
  t: TestContext,
  answer: (asked: Asked) => Said | undefined,
  options: ResolverOptions = {},
): Promise<{ resolver: Resolver; server: DnsServer }> {
  const server = await dnsServer(answer)
  t.after(() => server.close())
  const resolver = realResolver([`127.0.0.1:${server.port}`], { timeoutsMs: [300], ...options })
  return { resolver, server }
}

test('a server that cannot be reached is a failed answer, whatever the socket says of it', async () => {
  // A system refuses to connect a datagram socket to these: no network, no rights.
  for (const place of ['255.255.255.255:53', '[ff02::1%nowhere]:53', '127.0.0.1:1']) {
    const resolver = realResolver([place], { timeoutsMs: [300] })
    assert.equal((await resolver.txt('a.example')).kind, 'failed', place)
  }
})

test('who drops answers for one family does not take the proof from the other', async (t) => {
  for (const lost of ['A', 'AAAA']) {
    const answers = {
      A: [address('m.a.example')],
      AAAA: [{ ...address('m.a.example', '::1'), type: 'AAAA' } as Answer],
    }
    const said = ({ type }: Asked): Said | undefined =>
      type === lost ? { code: 2 } : { answers: answers[type as 'A'], secure: true }
    const { resolver } = await world(t, said, { validated: true })
    const found = await resolver.addresses('m.a.example')
    assert.deepEqual(found.kind === 'found' && [found.records, found.secure], [
      [lost === 'A' ? '::1' : '192.0.2.1'],
      true,
    ])
  }
  const none = ({ type }: Asked): Said => (type === 'A' ? { authorities: [soa(60, 60)], secure: true } : { code: 2 })
  const { resolver } = await world(t, none, { validated: true })
  assert.equal((await resolver.addresses('m.a.example')).kind, 'failed')
})

test('every kind of record is read as another library writes it', async (t) => {
  const name = 'a.example'
  const association = Buffer.from('00112233', 'hex')
  const answers: Record<string, Answer[]> = {
    A: [address(name)],
    AAAA: ['2001:db8::1', '::1', '2001:db8:0:0:1::', '1:2:3:4:5:6:7:8'].map((data) => ({
      type: 'AAAA',
      name,
      ttl: 60,
      data,
    })),
    MX: [{ type: 'MX', name, ttl: 60, data: { preference: 10, exchange: 'Mail.A.example' } }],
    TXT: [{ type: 'TXT', name, ttl: 60, data: ['v=spf1 ', '-all'] }],
    SRV: [{ type: 'SRV', name, ttl: 60, data: { priority: 1, weight: 2, port: 25, target: 'mail.a.example' } }],
    TLSA: [{ type: 'TLSA', name, ttl: 60, data: { usage: 3, selector: 1, matchingType: 1, certificate: association } }],
    PTR: [{ type: 'PTR', name: '1.2.0.192.in-addr.arpa', ttl: 60, data: 'mail.a.example' }],
  }
  const { resolver, server } = await world(t, ({ type }) => ({ answers: answers[type]! }))
  const found = async (outcome: Promise<unknown>): Promise<unknown> => ((await outcome) as { records: unknown }).records
  assert.deepEqual(await found(resolver.addresses(name)), [
    '192.0.2.1',
    '2001:db8::1',
    '::1',
    '2001:db8:0:0:1::',
    '1:2:3:4:5:6:7:8',
  ])
  assert.deepEqual(await found(resolver.mx('A.Example.')), [{ preference: 10, exchange: 'mail.a.example' }])
  assert.deepEqual(await found(resolver.txt(name)), ['v=spf1 -all'])
  assert.deepEqual(await found(resolver.srv(name)), [{ priority: 1, weight: 2, port: 25, target: 'mail.a.example' }])
  assert.deepEqual(await found(resolver.tlsa(name)), [
    { usage: 3, selector: 1, matching: 1, data: new Uint8Array(association) },
  ])
  assert.deepEqual(await found(resolver.reverse('192.0.2.1')), ['mail.a.example'])
  await resolver.reverse('2001:db8::1')
  assert.equal(server.asked.at(-1)!.name, `1.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`)
  const [question] = server.asked
  assert.equal(question!.packet.additionals![0]!.type, 'OPT')
  assert.equal((question!.packet.additionals![0] as { udpPayloadSize: number }).udpPayloadSize, 1232)
  await resolver.txt('bücher.example')
  assert.equal(server.asked.at(-1)!.name, 'xn--bcher-kva.example')
})

test('no such name, no such records, and trouble are told apart', async (t) => {
  const { resolver } = await world(t, ({ name }) => {
    if (name === 'none.example') return { code: 3, authorities: [soa(60, 60)] }
    return name === 'refused.example'
      ? { code: 5 }
      : name === 'failed.example'
        ? { code: 2 }
        : { authorities: [soa(60, 60)] }
  })
  assert.deepEqual(await resolver.mx('none.example'), { kind: 'none', nameExists: false, secure: false })
  assert.deepEqual(await resolver.mx('empty.example'), { kind: 'none', nameExists: true, secure: false })
  assert.deepEqual(await resolver.mx('refused.example'), { kind: 'failed', reason: 'REFUSED' })
  assert.deepEqual(await resolver.mx('failed.example'), { kind: 'failed', reason: 'SERVFAIL' })
  // Of addresses: the name is there as soon as one of both questions says so.
  assert.deepEqual(await resolver.addresses('none.example'), { kind: 'none', nameExists: false, secure: false })
  assert.deepEqual(await resolver.addresses('empty.example'), { kind: 'none', nameExists: true, secure: false })
  assert.deepEqual(await resolver.mx('a..example'), { kind: 'none', nameExists: false })
  assert.deepEqual(await resolver.mx(`${'a'.repeat(64)}.example`), { kind: 'none', nameExists: false })
})

test('AD is believed only where the configuration says that the servers validate', async (t) => {
  const said = ({ name }: Asked): Said => ({ answers: [address(name)], secure: true, authorities: [] })
  const trusting = await world(t, said, { validated: true })
  const wary = await world(t, said)
  const secure = async ({ resolver }: { resolver: Resolver }): Promise<unknown> =>
    ((await resolver.mx('none.example')) as { secure?: boolean }).secure
  assert.equal(await secure(trusting), true)
  assert.equal(await secure(wary), false)
  const flags = ({ server }: { server: DnsServer }): unknown =>
    (server.asked[0]!.packet.additionals![0] as { flag_do: boolean }).flag_do
  assert.equal(flags(trusting), true)
  assert.equal(flags(wary), false)
})

test('aliases are followed, in one answer and over several, and every part must be secure', async (t) => {
  const { resolver, server } = await world(
    t,
    ({ name, type }) => {
      if (type === 'AAAA') return { authorities: [soa(60, 60)], secure: true }
      if (name === 'one.example')
        return {
          answers: [
            alias('one.example', 'two.example'),
            alias('two.example', 'three.example'),
            address('three.example'),
          ],
          secure: true,
        }
      if (name === 'far.example') return { answers: [alias('far.example', 'near.example')], secure: true }
      if (name === 'near.example') return { answers: [address('near.example')], secure: false }
      if (name === 'gone.example')
        return { answers: [alias('gone.example', 'nobody.example')], authorities: [soa(60, 60)], code: 3, secure: true }
      return { answers: [alias(name, `x${name.split('.')[0]}.example`)] }
    },
    { validated: true },
  )
  const { records, secure, name } = (await resolver.addresses('one.example')) as never as Record<string, unknown>
  assert.deepEqual({ records, secure, name }, { records: ['192.0.2.1'], secure: true, name: 'three.example' })
  const far = (await resolver.addresses('far.example')) as never as Record<string, unknown>
  assert.deepEqual([far.secure, far.name], [false, 'near.example'])
  assert.deepEqual(await resolver.addresses('gone.example'), { kind: 'none', nameExists: true, secure: true })
  const before = server.asked.length
  assert.deepEqual(await resolver.txt('endless.example'), { kind: 'failed', reason: 'too many aliases' })
  assert.equal(server.asked.length - before, 9)
})

test('a loop of aliases is a failure', async (t) => {
  const { resolver, server } = await world(t, () => ({
    answers: [alias('a.example', 'b.example'), alias('b.example', 'a.example')],
  }))
  assert.deepEqual(await resolver.txt('a.example'), { kind: 'failed', reason: 'too many aliases' })
  assert.equal(server.asked.length, 1)
})

test('records of other names, and headers without a question, are not believed', async (t) => {
  const { resolver } = await world(t, ({ name, packet }) => {
    if (name === 'poison.example')
      return { answers: [address('bank.example', '203.0.113.66')], authorities: [soa(60, 60)] }
    // A header that answers nothing, under another id.
    const bytes = Buffer.alloc(12)
    bytes.writeUInt16BE((packet.id! + 1) & 0xffff, 0)
    bytes.writeUInt16BE(0x8180, 2)
    return { bytes: [bytes] }
  })
  assert.deepEqual(await resolver.txt('poison.example'), { kind: 'none', nameExists: true, secure: false })
  const { kind, reason } = (await resolver.txt('guessed.example')) as { kind: string; reason: string }
  assert.equal(kind, 'failed')
  assert.match(reason, /does not answer/)
})

test('a whole answer to the right question under another id is not believed', async (t) => {
  let offset = 1
  const { resolver } = await world(t, ({ packet, name }) => ({
    bytes: [
      encode({
        type: 'response',
        id: (packet.id! + offset) & 0xffff,
        flags: RECURSION_AVAILABLE,
        questions: packet.questions,
        answers: [{ type: 'TXT', name, ttl: 60, data: 'forged' }],
      }),
    ],
  }))
  for (offset of [1, 0x100, 0xffff]) {
    const { kind, reason } = (await resolver.txt(`guessed${offset}.example`)) as { kind: string; reason: string }
    assert.equal(kind, 'failed')
    assert.match(reason, /does not answer/)
  }
  // The same bytes under its own id are: nothing else was wrong with them.
  offset = 0
  assert.deepEqual(((await resolver.txt('true.example')) as { records: unknown }).records, ['forged'])
})

test('many wrong answers mean that ids are guessed: the query goes by TCP', async (t) => {
  const { resolver, server } = await world(t, ({ by }) =>
    by === 'udp'
      ? { bytes: Array.from({ length: 12 }, () => Buffer.from('0000818000000000000000000', 'hex')) }
      : { answers: [{ type: 'TXT', name: 'a.example', ttl: 60, data: 'true' }] },
  )
  assert.deepEqual(((await resolver.txt('a.example')) as { records: unknown }).records, ['true'])
  assert.deepEqual(
    server.asked.map(({ by }) => by),
    ['udp', 'tcp'],
  )
})

test('what does not fit UDP comes by TCP', async (t) => {
  const data = 'x'.repeat(250)
  const { resolver, server } = await world(t, ({ name }) => ({
    truncated: true,
    answers: Array.from({ length: 40 }, () => ({ type: 'TXT' as const, name, ttl: 60, data: [data, data] })),
  }))
  const { records } = (await resolver.txt('big.example')) as unknown as { records: string[] }
  assert.deepEqual([records.length, records[0]!.length], [40, 500])
  assert.deepEqual(
    server.asked.map(({ by }) => by),
    ['udp', 'tcp'],
  )
})

test('what was said is kept for its TTL, nothing for a TTL of 0, and a failure for a moment', async (t) => {
  const { resolver, server } = await world(t, ({ name }) => {
    if (name === 'short.example') return { answers: [{ type: 'TXT', name, ttl: 0, data: 'x' }] }
    if (name === 'long.example') return { answers: [{ type: 'TXT', name, ttl: 60, data: 'x' }] }
    if (name === 'negative.example') return { code: 3, authorities: [soa(60, 30)] }
    if (name === 'minimum0.example') return { code: 3, authorities: [soa(60, 0)] }
    return name === 'nosoa.example' ? { code: 3 } : { code: 2 }
  })
  const times = async (name: string): Promise<number> => {
    const before = server.asked.length
    for (let i = 0; i < 3; i++) await resolver.txt(name)
    return server.asked.length - before
  }
  assert.equal(await times('long.example'), 1)
  assert.equal(await times('short.example'), 3)
  assert.equal(await times('negative.example'), 1)
  assert.equal(await times('minimum0.example'), 3)
  assert.equal(await times('nosoa.example'), 3)
  assert.equal(await times('failed.example'), 1)
})

test('many who ask the same at once cost one question', async (t) => {
  const { resolver, server } = await world(t, ({ name }) => ({ answers: [{ type: 'TXT', name, ttl: 0, data: 'x' }] }))
  await Promise.all(Array.from({ length: 50 }, () => resolver.txt('a.example')))
  assert.equal(server.asked.length, 1)
})

test('a thousand different questions at once are all answered', async (t) => {
  const { resolver } = await world(t, ({ name }) => ({ answers: [{ type: 'TXT', name, ttl: 60, data: name }] }), {
    timeoutsMs: [5000],
  })
  const names = Array.from({ length: 1000 }, (_, i) => `n${i}.example`)
  const outcomes = await Promise.all(names.map((name) => resolver.txt(name)))
  assert.deepEqual(
    outcomes.map((outcome) => outcome.kind === 'found' && outcome.records[0]),
    names,
  )
})

test('a dead server is passed over, and the one that answered is asked first from then on', async (t) => {
  const dead = await dnsServer(() => undefined)
  const broken = await dnsServer(() => ({ code: 2 }))
  const good = await dnsServer(({ name }) => ({ answers: [{ type: 'TXT', name, ttl: 60, data: 'good' }] }))
  t.after(() => Promise.all([dead.close(), broken.close(), good.close()]))
  const places = [dead, broken, good].map(({ port }) => `127.0.0.1:${port}`)
  const resolver = realResolver(places, { timeoutsMs: [100, 100] })
  for (const name of ['a.example', 'b.example', 'c.example'])
    assert.deepEqual(((await resolver.txt(name)) as { records: unknown }).records, ['good'])
  assert.deepEqual([dead.asked.length, broken.asked.length, good.asked.length], [1, 1, 3])
})

test('a server that does not know EDNS is asked without it, once it has said so', async (t) => {
  const { resolver, server } = await world(t, ({ name, packet }) =>
    packet.additionals!.length > 0 ? { code: 1 } : { answers: [{ type: 'TXT', name, ttl: 60, data: 'old' }] },
  )
  for (const name of ['a.example', 'b.example'])
    assert.deepEqual(((await resolver.txt(name)) as { records: unknown }).records, ['old'])
  assert.deepEqual(
    server.asked.map(({ packet }) => packet.additionals!.length),
    [1, 0, 0],
  )
})
