import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { crc32c } from './crc32c.ts'
import { parseIpAddress } from './ip-network.ts'
import { readProxyHeader, version2BytesMax, type ProxyHeader } from './proxy-header.ts'

const signature = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]

function line(text: string): ProxyHeader {
  return readProxyHeader(Buffer.from(text, 'latin1'))
}

function binary(command: number, family: number, ...rest: readonly (readonly number[])[]): Buffer {
  const body = rest.flat()
  return Buffer.from([...signature, command, family, body.length >> 8, body.length & 255, ...body])
}

/** 192.0.2.7:40000 to 198.51.100.1:25. */
const v4 = [192, 0, 2, 7, 198, 51, 100, 1, 0x9c, 0x40, 0, 25]
const v4Addresses = { address: '192.0.2.7', port: 40_000, localAddress: '198.51.100.1', localPort: 25 }

function withCrc(header: Buffer): Buffer {
  // The checksum is the last field; its value was left zero.
  header.writeUInt32BE(crc32c(header), header.length - 4)
  return header
}

test('CRC-32C of the examples in RFC 3720 appendix B.4', () => {
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa)
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43)
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e)
})

test('lines of version 1', () => {
  assert.deepEqual(line('PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\nEHLO'), {
    kind: 'header',
    sizeBytes: 44,
    addresses: v4Addresses,
  })
  const six = line('PROXY TCP6 2001:DB8::1 ::1 1 65535\r\n')
  assert.deepEqual(six.kind === 'header' && six.addresses, {
    address: '2001:db8::1',
    port: 1,
    localAddress: '::1',
    localPort: 65_535,
  })
  for (const unknown of ['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN ffff:f...f:ffff ::1 1 2\r\n'])
    assert.deepEqual(line(unknown), { kind: 'header', sizeBytes: unknown.length, addresses: undefined })
})

test('what is no line of version 1', () => {
  for (const text of [
    'EHLO a.example\r\n',
    'proxy TCP4 192.0.2.7 198.51.100.1 40000 25\r\n',
    'PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\n',
    'PROXY TCP4  192.0.2.7 198.51.100.1 40000 25\r\n',
    'PROXY TCP4 192.0.2.7 198.51.100.1 040000 25\r\n',
    'PROXY TCP4 192.0.2.7 198.51.100.1 65536 25\r\n',
    'PROXY TCP4 ::1 ::2 1 2\r\n',
    'PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n',
    'PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n',
    'PROXY TCP4 192.0.2.700 198.51.100.1 1 2\r\n',
    'PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n',
    'PROXY UNKNOWN\n',
    `PROXY UNKNOWN ${'x'.repeat(100)}`,
  ])
    assert.equal(line(text).kind, 'fault', text)
})

test('version 2: addresses, and fields that are skipped', () => {
  assert.deepEqual(readProxyHeader(binary(0x21, 0x11, v4)), {
    kind: 'header',
    sizeBytes: 28,
    addresses: v4Addresses,
  })
  const fields = [1, 0, 2, 104, 50, 4, 0, 0]
  const more = readProxyHeader(Buffer.concat([binary(0x21, 0x11, v4, fields), Buffer.from('EHLO')]))
  assert.deepEqual(more, { kind: 'header', sizeBytes: 36, addresses: v4Addresses })
  for (const [text, expected] of [
    ['2001:db8::1', '2001:db8::1'],
    ['::', '::'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:0:2:3:4:5:0', '1::2:3:4:5:0'],
    ['0:0:1::', '0:0:1::'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ] as const) {
    const six = readProxyHeader(
      binary(0x21, 0x21, [...parseIpAddress(text)!], [...parseIpAddress('::1')!], [0, 1, 0, 2]),
    )
    assert.equal(six.kind === 'header' && six.addresses?.address, expected)
  }
  const mapped = [...Array.from({ length: 10 }, () => 0), 255, 255, 192, 0, 2, 7]
  const six = readProxyHeader(binary(0x21, 0x21, mapped, mapped, [0, 1, 0, 2]))
  assert.equal(six.kind === 'header' && six.addresses?.address, '192.0.2.7')
})

test('version 2: who speaks for himself, or cannot tell, has the addresses of the connection', () => {
  for (const header of [
    binary(0x20, 0x00),
    binary(0x20, 0x11, v4),
    binary(0x20, 0x99, [1, 2, 3]),
    binary(0x21, 0x00),
    binary(
      0x21,
      0x31,
      Array.from({ length: 216 }, () => 0),
    ),
  ])
    assert.deepEqual(readProxyHeader(header), { kind: 'header', sizeBytes: header.length, addresses: undefined })
})

test('version 2: what is wrong ends it', () => {
  for (const header of [
    binary(0x11, 0x11, v4),
    binary(0x22, 0x11, v4),
    binary(0x21, 0x12, v4),
    binary(0x21, 0x11, v4.slice(1)),
    binary(0x21, 0x11, v4, [1, 0]),
    binary(0x21, 0x11, v4, [1, 0, 9, 1]),
    binary(0x21, 0x11, v4, [3, 0, 3, 0, 0, 0]),
    Buffer.from([...signature, 0x21, 0x11, (version2BytesMax + 1) >> 8, (version2BytesMax + 1) & 255]),
  ])
    assert.equal(readProxyHeader(header).kind, 'fault', header.toString('hex'))
})

test('a checksum is checked where there is one', () => {
  const good = withCrc(binary(0x21, 0x11, v4, [3, 0, 4, 0, 0, 0, 0]))
  assert.equal(readProxyHeader(good).kind, 'header')
  for (let bit = 0; bit < good.length * 8; bit++) {
    const bad = Buffer.from(good)
    bad[bit >> 3]! ^= 1 << (bit & 7)
    const { kind } = readProxyHeader(bad)
    // A bit of the command makes it LOCAL, one of the length makes it longer; the type of the field says that there is a checksum at all.
    if (kind === 'header') assert.ok([12, 28].includes(bit >> 3), `bit ${bit}`)
    if (kind === 'incomplete') assert.ok(bit >> 3 >= 14 && bit >> 3 <= 15, `bit ${bit}`)
  }
})

test('borders of chunks change nothing', () => {
  const headers = [
    Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n'),
    withCrc(binary(0x21, 0x11, v4, [4, 0, 1, 9], [3, 0, 4, 0, 0, 0, 0])),
  ]
  for (const header of headers) {
    for (let end = 0; end < header.length; end++)
      assert.equal(readProxyHeader(header.subarray(0, end)).kind, 'incomplete', `${end} bytes`)
    assert.equal(readProxyHeader(header).kind, 'header')
  }
})

test('no bytes crash it', () => {
  const start = fc.constantFrom(Buffer.from(signature), Buffer.from('PROXY TCP4 '), Buffer.alloc(0))
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 300 }), (head, rest) => {
      const found = readProxyHeader(Buffer.concat([head, rest]))
      if (found.kind === 'header') assert.ok(found.sizeBytes <= head.length + rest.length)
    }),
    { numRuns: 3000 },
  )
})
