import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, formatFault } from './fault.ts'
import { parseConfig } from './load.ts'

async function faultsOf(route: string): Promise<string[]> {
  try {
    await parseConfig(`[[route]]\n${route}`, '/etc/p.toml')
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.faults.map((fault) => formatFault(fault).replace('/etc/p.toml', 'f'))
  }
  return []
}

test('routes with all that they may say', async () => {
  const { routes, relay, reports, tls } = await parseConfig(
    `origin = "example.org"
[[route]]
sender = "@Example.ORG"
to = ["relay.example.net:587", "[2001:db8::1]"]
username = "us"
passwordFile = "relay.password"
[[route]]
domain = "*.partner.example"
tls = "required"
sourceAddresses = ["192.0.2.1", "2001:db8::2"]
[[route]]
domain = "*"
sender = "Boss@example.org"
proxy = "socks5://our%20name@proxy.example:9050"
proxyPasswordFile = "/etc/proxy"
[[route]]
domain = "inside.example"
to = "mail.inside.example"
proxy = "socks5h://proxy.example"
[[route]]
domain = "boxes.example"
to = ["dovecot.boxes.example", "[2001:db8::3]:2400"]
protocol = "lmtp"
[[route]]
domain = "*"
to = "last.example.net"
fallback = true
fallbackAfterMs = "1h"
[relay]
domains = ["partner.example", "*.partner.example"]
[reports]
tls = true
[tls]
authorities = "company.pem"
`,
    '/etc/mail/p.toml',
  )
  assert.deepEqual(routes, [
    {
      domain: '*',
      sender: '@example.org',
      hosts: [
        { host: 'relay.example.net', port: 587 },
        { host: '2001:db8::1', port: 25 },
      ],
      tls: 'required',
      username: 'us',
      passwordFile: '/etc/mail/relay.password',
    },
    { domain: '*.partner.example', hosts: [], tls: 'required', sourceAddresses: ['192.0.2.1', '2001:db8::2'] },
    {
      domain: '*',
      sender: 'boss@example.org',
      hosts: [],
      tls: 'opportunistic',
      proxy: { host: 'proxy.example', port: 9050, username: 'our name' },
      proxyPasswordFile: '/etc/proxy',
    },
    {
      domain: 'inside.example',
      hosts: [{ host: 'mail.inside.example', port: 25 }],
      tls: 'opportunistic',
      proxy: { host: 'proxy.example', port: 1080, resolvesNames: true },
    },
    {
      domain: 'boxes.example',
      hosts: [
        { host: 'dovecot.boxes.example', port: 24 },
        { host: '2001:db8::3', port: 2400 },
      ],
      tls: 'opportunistic',
      protocol: 'lmtp',
    },
    {
      domain: '*',
      hosts: [{ host: 'last.example.net', port: 25 }],
      tls: 'opportunistic',
      fallback: true,
      fallbackAfterMs: 3600_000,
    },
  ])
  assert.deepEqual(relay.domains, ['partner.example', '*.partner.example'])
  assert.deepEqual(reports, { tls: true, contact: 'postmaster@example.org' })
  assert.deepEqual(tls, { source: 'self-signed', authorities: '/etc/mail/company.pem' })
})

const single: readonly (readonly [string, RegExp])[] = [
  ['domain = "*"', /^f:1: A route needs "to"/],
  ['domain = "*"\ntls = "implicit"', /^f:1: A route needs "to"/],
  ['domain = "*"\ntls = "none"\nfallback = true', /^f:1: A route needs "to"/],
  ['domain = "*"\nto = "r.example"\nfallbackAfterMs = 1', /^f:4: fallbackAfterMs has no effect without fallback/],
  ['domain = "*"\nto = []', /^f:3: route\[0\]\.to must have at least 1 entry/],
  ['sender = "example.org"\nto = "r.example"', /^f:2: route\[0\]\.sender must be an address, or "@example\.org"/],
  ['domain = "*"\nsourceAddresses = ["mail.example"]', /sourceAddresses \(entry 1\) must be an IP address/],
  [
    'domain = "*"\nsourceAddresses = ["192.0.2.1", "192.0.2.2"]',
    /^f:3: A route has at most one source address of each family\. Keep one/,
  ],
  ['domain = "*"\nto = "r.example:25"\nprotocol = "lmtp"', /^f:3: LMTP is never spoken on port 25/],
  ['domain = "*"\ntls = "none"\nprotocol = "lmtp"', /^f:1: A route needs "to"/],
  ['domain = "*"\nproxy = "http://127.0.0.1:1"', /proxy must be a SOCKS5 server, as "socks5:/],
  ['domain = "*"\nproxy = "socks5://us@127.0.0.1"', /^f:3: A proxy with a password needs both a user name/],
  ['domain = "*"\ntls = "none"\nproxyPasswordFile = "x"', /^f:4: A proxy with a password needs both a user name/],
  [
    'domain = "*"\nproxy = "socks5://127.0.0.1"\nsourceAddresses = ["192.0.2.1"]',
    /^f:4: Through a proxy, connections come from the address of the proxy/,
  ],
]
for (const [source, expected] of single) {
  test(`a route that cannot be: ${JSON.stringify(source)}`, async () => {
    const faults = await faultsOf(source)
    assert.equal(faults.length, 1, faults.join('\n'))
    assert.match(faults[0]!, expected)
  })
}
