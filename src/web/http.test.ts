import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { realClock } from '../platform/real/clock.ts'
import { realHttp } from '../platform/real/http.ts'
import type { HttpRequest } from '../base/http.ts'
import type { ListenerConfig, Service } from '../config/config.ts'
import { formatRecord, recordsFor } from './discovery/dns.ts'
import { offersOf } from './discovery/settings.ts'
import { Admission, admissionDefaults } from '../listen/admission.ts'
import { answerHttp, type HttpTools } from './http.ts'

let ready = true
let troubles: { name: string; problem: string }[] = []
let aside = { quarantined: 0, lost: 0 }
const tools: HttpTools = {
  ready: () => ready,
  troubles: () => troubles,
  metrics: async () => 'figures\n# EOF\n',
  aside: async () => aside,
  discovery: {
    offers: () =>
      offersOf('mail.example.org', [
        listener('imaps', 993, 'implicit'),
        listener('imap', 143, 'starttls'),
        listener('submission', 587, 'starttls'),
        listener('smtp', 25, 'starttls'),
      ]),
    isLocalDomain: (domain) => domain === 'example.org',
    policy: () => 'version: STSv1\r\n',
    now: () => 0,
  },
}
function listener(service: Service, port: number, tls: ListenerConfig['tls']): ListenerConfig {
  return { service, address: '127.0.0.1', port, tls, plaintextAuth: false, bareNewline: 'refuse', publicPort: port }
}
const from = (address: string) => ({ address, port: 1, localAddress: '', localPort: 80 })

test('health, readiness and metrics over a real socket', async () => {
  const listener = await realHttp.listen({ address: '127.0.0.1', port: 0 }, async (request) =>
    answerHttp(tools, request),
  )
  const get = async (path: string): Promise<[number, string]> => {
    const response = await fetch(`http://127.0.0.1:${listener.port}${path}`)
    return [response.status, await response.text()]
  }
  assert.deepEqual(await get('/healthz'), [200, 'ok\n'])
  assert.deepEqual(await get('/readyz?x'), [200, 'ready\n'])
  aside = { quarantined: 2, lost: 3 }
  assert.deepEqual(await get('/readyz'), [200, 'ready\nset aside: 2 records, 3 files\n'])
  aside = { quarantined: 0, lost: 0 }
  troubles = [{ name: 'dns', problem: 'it gives no answers' }]
  assert.deepEqual(await get('/readyz'), [200, 'ready\ndns: it gives no answers\n'])
  ready = false
  assert.deepEqual(await get('/readyz'), [503, 'not ready\ndns: it gives no answers\n'])
  troubles = []
  assert.deepEqual(await get('/metrics'), [200, 'figures\n# EOF\n'])
  assert.equal((await get('/'))[0], 404)
  await listener.close()
})

function request(target: string, more: Partial<HttpRequest> = {}): HttpRequest {
  const [path, query] = target.split('?')
  const body = new Uint8Array(0)
  return {
    method: 'GET',
    path: path!,
    query: new URLSearchParams(query),
    host: undefined,
    body,
    peer: from('192.0.2.1'),
    forwarded: false,
    ...more,
  }
}

test('metrics are for loopback only, and only by GET', async () => {
  for (const path of ['/metrics', '/healthz', '/readyz']) {
    assert.equal((await answerHttp(tools, request(path))).status, 403)
    // A proxy on this machine forwards requests of others.
    assert.equal((await answerHttp(tools, request(path, { peer: from('127.0.0.1'), forwarded: true }))).status, 403)
  }
  assert.equal((await answerHttp(tools, request('/metrics', { method: 'POST', peer: from('127.0.0.1') }))).status, 405)
})

test('Thunderbird gets its settings, by address or by the requested host; the best first', async () => {
  for (const asked of [
    request('/mail/config-v1.1.xml?emailaddress=any%40example.org'),
    request('/mail/config-v1.1.xml', { host: 'autoconfig.example.org' }),
    request('/.well-known/autoconfig/mail/config-v1.1.xml', { host: 'example.org:8080' }),
  ]) {
    const { status, body, type } = await answerHttp(tools, asked)
    assert.equal(status, 200)
    assert.equal(type, 'text/xml; charset=utf-8')
    const ports = [
      ...body.matchAll(/type="(\w+)">\s*<hostname>([^<]+)<\/hostname>\s*<port>(\d+)<\/port>\s*<socketType>(\w+)/g),
    ]
    assert.deepEqual(
      ports.map(([, type, host, port, tls]) => `${type} ${host} ${port} ${tls}`),
      ['imap mail.example.org 993 SSL', 'imap mail.example.org 143 STARTTLS', 'smtp mail.example.org 587 STARTTLS'],
    )
  }
  assert.equal((await answerHttp(tools, request('/mail/config-v1.1.xml?emailaddress=a%40example.net'))).status, 404)
})

test('Outlook gets its settings, and an empty request an error', async () => {
  const ask = async (text: string): Promise<string> =>
    (await answerHttp(tools, request('/Autodiscover/Autodiscover.xml', { method: 'POST', body: Buffer.from(text) })))
      .body
  const said = await ask('<Autodiscover><Request><EMailAddress>any@example.org</EMailAddress></Request></Autodiscover>')
  assert.match(
    said,
    /<Type>IMAP<\/Type>\s*<Server>mail\.example\.org<\/Server>\s*<Port>993<\/Port>\s*<LoginName>any@example\.org</,
  )
  assert.match(said, /<Type>SMTP<\/Type>[^]*<Port>587<\/Port>[^]*<Encryption>TLS<\/Encryption>/)
  assert.match(await ask('<x/>'), /<ErrorCode>600</)
  assert.match(await ask('<EMailAddress>a@example.net</EMailAddress>'), /<ErrorCode>601</)
  assert.match(
    (
      await answerHttp(
        tools,
        request('/autodiscover/autodiscover.json?Protocol=AutodiscoverV1', { host: 'example.org' }),
      )
    ).body,
    /"https:\/\/example\.org\/autodiscover\/autodiscover\.xml"/,
  )
})

test('Outlook may send the address in the path; other protocols are refused', async () => {
  const path = '/autodiscover/autodiscover.json/v1.0/any%40example.org'
  const said = await answerHttp(
    tools,
    request(`${path}?Protocol=AutodiscoverV1&RedirectCount=1`, { host: 'example.org' }),
  )
  assert.equal(said.status, 200)
  assert.match(said.body, /"https:\/\/example\.org\/autodiscover\/autodiscover\.xml"/)
  const other = await answerHttp(tools, request(`${path}?Protocol=ActiveSync`, { host: 'example.org' }))
  assert.deepEqual([other.status, JSON.parse(other.body).ErrorCode], [400, 'InvalidProtocol'])
  const later = await answerHttp(tools, request('/autodiscover/autodiscover.json/v2.0/a', { host: 'example.org' }))
  assert.notEqual(later.status, 200)
})

test('a phone that asks for mobilesync does not get the settings of Outlook; UTF-16 is read', async () => {
  const question = (schema: string): string =>
    `<?xml version="1.0"?><Autodiscover><Request><EMailAddress>any@example.org</EMailAddress>${schema}</Request></Autodiscover>`
  const base = 'http://schemas.microsoft.com/exchange/autodiscover'
  const acceptable = (...names: string[]): string =>
    names.map((name) => `<AcceptableResponseSchema>${base}/${name}</AcceptableResponseSchema>`).join('')
  const ask = async (body: Uint8Array): Promise<string> =>
    (await answerHttp(tools, request('/autodiscover/autodiscover.xml', { method: 'POST', body }))).body
  const mobile = await ask(Buffer.from(question(acceptable('mobilesync/responseschema/2006'))))
  assert.match(mobile, /<ErrorCode>601<\/ErrorCode>\s*<Message>Requested schema version not supported</)
  assert.doesNotMatch(mobile, /IMAP/)
  for (const schema of [
    '',
    acceptable('outlook/responseschema/2006a'),
    acceptable('mobilesync/responseschema/2006', 'outlook/responseschema/2006a'),
  ]) {
    const text = question(schema)
    const little = Buffer.from(text, 'utf16le')
    const big = Buffer.from(little).swap16()
    for (const body of [
      Buffer.from(text),
      little,
      big,
      Buffer.concat([Buffer.from([0xff, 0xfe]), little]),
      Buffer.concat([Buffer.from([0xfe, 0xff]), big]),
      Buffer.concat([little, Buffer.from([0x20])]),
    ])
      assert.match(await ask(body), /<LoginName>any@example\.org</)
  }
  for (const odd of ['', '<', 'fffe', 'feff', '003c00'])
    assert.match(await ask(Buffer.from(odd, 'hex')), /<ErrorCode>600</)
})

test('the MTA-STS policy is served at its own host, for local domains only', async () => {
  const path = '/.well-known/mta-sts.txt'
  for (const host of [
    'mta-sts.example.org',
    'MTA-STS.Example.Org:443',
    'mta-sts.example.org.',
    'mta-sts.example.org.:8443',
  ]) {
    const { status, type, body } = await answerHttp(tools, request(path, { host }))
    assert.deepEqual([status, type, body], [200, 'text/plain; charset=utf-8', 'version: STSv1\r\n'], host)
  }
  for (const host of [
    undefined,
    '',
    'mta-sts.',
    'example.org',
    'mta-sts.example.net',
    'mta-sts.mta-sts.example.org',
    'xmta-sts.example.org',
  ])
    assert.equal((await answerHttp(tools, request(path, { host }))).status, 404, host)
  assert.equal((await answerHttp(tools, request(path, { host: 'mta-sts.example.org', method: 'POST' }))).status, 405)
})

test("Apple's profile names the account and asks for no password; hostile names stay text", async () => {
  const { status, body, type } = await answerHttp(tools, request('/mobileconfig?address=any%40example.org'))
  assert.equal(status, 200)
  assert.equal(type, 'application/x-apple-aspen-config')
  assert.match(body, /<key>IncomingMailServerPortNumber<\/key>\s*<integer>993</)
  assert.doesNotMatch(body, /<key>IncomingPassword/)
  const hostile = await answerHttp(tools, request('/mobileconfig?address=a%26b%40example.org'))
  assert.match(hostile.body, /a&#38;b@example\.org/)
  assert.equal((await answerHttp(tools, request('/mobileconfig'))).status, 404)
})

test('the records of a domain list every service, and those not offered', async () => {
  const lines = recordsFor('example.org', 'mail.example.org', tools.discovery.offers()).map(formatRecord)
  const has = (line: RegExp): boolean => lines.some((one) => line.test(one))
  assert.ok(has(/^example\.org\. +IN MX +10 mail\.example\.org\.$/))
  assert.ok(has(/^_imaps\._tcp\.example\.org\. +IN SRV +0 1 993 mail\.example\.org\.$/))
  assert.ok(has(/^_submission\._tcp\.example\.org\. +IN SRV +10 1 587 mail\.example\.org\.$/))
  assert.ok(has(/^_pop3s\._tcp\.example\.org\. +IN SRV +0 0 0 \.$/))
})

test('requests through a proxy are told apart from those of this machine', async (t) => {
  const listener = await realHttp.listen(
    { address: '127.0.0.1', port: 0 },
    async (request) => await answerHttp(tools, request),
  )
  t.after(() => listener.close())
  const get = (headers: Record<string, string>): Promise<number> =>
    fetch(`http://127.0.0.1:${listener.port}/metrics`, { headers }).then(({ status }) => status)
  assert.equal(await get({}), 200)
  for (const name of ['Forwarded', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Real-IP', 'Via'])
    assert.equal(await get({ [name]: 'for=192.0.2.1' }), 403, name)
})

/** A connection in the middle of a request. */
async function halfRequest(port: number, first = ''): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(`${first}GET /healthz HTTP/1.1\r\nHost: x\r\n`)
  return socket
}

test('hundreds of incomplete requests do not block monitoring', async (t) => {
  const listener = await realHttp.listen(
    { address: '127.0.0.1', port: 0 },
    async (request) => await answerHttp(tools, request),
  )
  const sockets: Socket[] = []
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    return listener.close()
  })
  for (let n = 0; n < 300; n++) sockets.push(await halfRequest(listener.port))
  for (let n = 0; n < 3; n++) {
    const { status } = await fetch(`http://127.0.0.1:${listener.port}/healthz`, { headers: { connection: 'close' } })
    assert.equal(status, 200)
  }
  // The latest of them is still open, and gets its response.
  const last = sockets.at(-1)!
  last.write('\r\n')
  const [answer] = (await once(last, 'data')) as [Buffer]
  assert.match(String(answer), /^HTTP\/1\.1 200 /)
})

test('http has the limits by network; this machine is admitted when mail uses all connections', async (t) => {
  const limits = { now: { ...admissionDefaults, connectionsMax: 3, connectionsPerAddressMax: 2 } }
  const admission = new Admission(limits, realClock)
  const proxied = (): boolean => true
  const admit = (address: string): (() => void) | undefined => admission.admitWatcher(address)
  const listener = await realHttp.listen(
    { address: '127.0.0.1', port: 0, proxied, admit },
    async (request) => await answerHttp(tools, request),
  )
  const sockets: Socket[] = []
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    return listener.close()
  })
  const from = (address: string): string => `PROXY TCP4 ${address} 127.0.0.1 5000 80\r\n`
  const isLeft = async (address: string): Promise<boolean> => {
    const socket = await halfRequest(listener.port, from(address))
    sockets.push(socket)
    socket.write('\r\n')
    return once(socket, 'data').then(
      () => true,
      () => false,
    )
  }
  const closed = async (address: string): Promise<void> => {
    const socket = await halfRequest(listener.port, from(address))
    await once(socket, 'close')
  }
  assert.ok(await isLeft('192.0.2.1'))
  assert.ok(await isLeft('192.0.2.1'))
  await closed('192.0.2.1')
  assert.ok(await isLeft('192.0.2.2'))
  await closed('192.0.2.3')
  assert.ok(await isLeft('127.0.0.1'))
  // Closed connections make room.
  sockets[0]!.destroy()
  await once(sockets[0]!, 'close')
  while (!admission.admit('192.0.2.9')) await new Promise((resolve) => setImmediate(resolve))
})
