import { authenticityDefaults } from '../checks/authenticity.ts'
import { parseIpNetwork } from '../base/ip-network.ts'
import { directoryDefaults } from '../directory/directory-options.ts'
import { authDefaults, oauthDefaults } from '../directory/options.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parse } from 'smol-toml'
import { smtpDefaults } from '../protocol/smtp/policy.ts'
import { admissionDefaults } from '../listen/admission.ts'
import { smtpRateDefaults } from '../checks/network.ts'
import { transferDefaults } from '../transport/options.ts'
import { rewriteDefaults } from '../delivery/rewrite/options.ts'
import { entries, explainEntry, findEntries, sampleText, suggestEntry } from './explain.ts'
import { ConfigError, formatFault } from './fault.ts'
import { keyLines } from './lines.ts'
import { defaultConfig, loadConfig, parseConfig } from './load.ts'
import { defaultServices } from './services.ts'
import { editDistance, nearest } from '../base/suggest.ts'

async function faultsOf(source: string): Promise<string[]> {
  try {
    await parseConfig(source, '/etc/pennypost.toml')
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.faults.map((fault) => formatFault(fault).replace('/etc/pennypost.toml', 'f'))
  }
  return []
}

test('old names of keys, tables and values are understood, each with one warning that tells the new one', async () => {
  const source =
    '[[check]]\npattern = "/^Subject: x/"\naction = "junk"\nof = "strangers"\n\n[smtp]\naddressQueries = "nobody"\n[directory]\nsource = "ldap"\nurls = ["ldaps://ldap.example.org"]\nbase = "dc=example"\nfoundKeptMs = "7m"\n'
  const config = await parseConfig(source, '/etc/pennypost.toml')
  assert.equal(config.checks[0]!.of, 'unauthenticated')
  assert.equal(config.smtp.addressQueries, 'none')
  assert.equal(config.directory.cacheTtlMs, 420_000)
  assert.deepEqual(config.warnings.map(formatFault), [
    '/etc/pennypost.toml:4: check[0].of: "strangers" is the old name of "unauthenticated". Rename it: a later version will not know the old one.',
    '/etc/pennypost.toml:7: smtp.addressQueries: "nobody" is the old name of "none". Rename it: a later version will not know the old one.',
    '/etc/pennypost.toml:12: "foundKeptMs" is the old name of "cacheTtlMs". Rename it: a later version will not know the old one.',
  ])
  assert.deepEqual(
    await faultsOf(
      '[directory]\nsource = "ldap"\nurls = ["ldaps://ldap.example.org"]\nbase = "dc=example"\nfoundKeptMs = "7m"\ncacheTtlMs = "8m"\n',
    ),
    ['f:5: "foundKeptMs" is the old name of "cacheTtlMs", and both are set. Keep the new one.'],
  )
  assert.deepEqual(defaultConfig().warnings, [])
})

test('a key that every object has is unknown, as any other', async () => {
  assert.match((await faultsOf('toString = 1\n'))[0] ?? '', /^f:1: Unknown key "toString" in the configuration\. /)
  assert.match((await faultsOf('[smtp]\nconstructor = 1\n'))[0] ?? '', /^f:2: Unknown key "constructor" in \[smtp\]\. /)
})

test('without a file, every default holds', () => {
  const config = defaultConfig('/srv/mail')
  assert.equal(config.hostname, 'localhost')
  assert.equal(config.data, '/srv/mail')
  assert.deepEqual(config.domains, ['pennypost.localhost'])
  assert.deepEqual(
    config.listeners.map(({ service, address, port, tls }) => `${service} ${address}:${port} ${tls}`),
    [
      'smtp 127.0.0.1:2525 starttls',
      'submission 127.0.0.1:1587 starttls',
      'submissions 127.0.0.1:1465 implicit',
      'lmtp 127.0.0.1:2424 starttls',
      'imap 127.0.0.1:1143 starttls',
      'imaps 127.0.0.1:1993 implicit',
      'pop3 127.0.0.1:1110 starttls',
      'pop3s 127.0.0.1:1995 implicit',
      'http 127.0.0.1:8080 none',
      'https 127.0.0.1:8443 implicit',
    ],
  )
  assert.ok(config.listeners.every(({ plaintextAuth }) => !plaintextAuth))
  assert.deepEqual(config.transfer, transferDefaults)
  assert.deepEqual(config.tls, { source: 'self-signed' })
})

test('an empty file is the defaults, beside its own folder', async () => {
  const config = await parseConfig('', '/etc/pennypost.toml')
  assert.deepEqual(config, { ...defaultConfig(), data: '/etc/data', submitSocket: '/etc/data/submit.sock' })
})

test('bare newlines are mended where our own users submit, and refused where other servers send', async () => {
  const listeners = ['smtp', 'lmtp', 'submission', 'submissions'].map(
    (service) => `[[listener]]\nservice = "${service}"\n`,
  )
  const config = await parseConfig(listeners.join(''), '/etc/pennypost.toml')
  const rules = (given: typeof config): string[][] =>
    given.listeners.flatMap(({ service, bareNewline }) =>
      /^(?:lmtp|smtp|sub)/.test(service) ? [[service, bareNewline]] : [],
    )
  assert.deepEqual(rules(config), [
    ['smtp', 'refuse'],
    ['lmtp', 'refuse'],
    ['submission', 'normalize'],
    ['submissions', 'normalize'],
  ])
  assert.deepEqual(new Map(rules(defaultConfig()) as [string, string][]).get('submission'), 'normalize')
})

test('what no policy can say is a fault', async () => {
  for (const [line, fault] of [
    ['mtaStsMaxAgeMs = "366d"', /mtaStsMaxAgeMs must be from a second to 365 days/],
    ['mtaStsMaxAgeMs = 0', /mtaStsMaxAgeMs must be from a second to 365 days/],
    ['mtaStsHosts = ["*"]', /mtaStsHosts.* must be a domain name/],
    ['mtaStsHosts = ["mx.*.example.org"]', /mtaStsHosts.* must be a domain name/],
    ['tlsReportsTo = "reports"', /tlsReportsTo must be a mail address/],
  ] as const)
    await assert.rejects(parseConfig(`[publish]\n${line}\n`, '/etc/mail/pennypost.toml'), fault, line)
})

test('a whole configuration is read', async () => {
  const config = await parseConfig(
    `
hostname = "Mail.Example.ORG"
data = "../var/mail"
domains = ["example.org", "bücher.example"]
user = "mail"
trustedNetworks = ["10.1.0.0/16"]
warmUp = true
[[listener]]
service = "smtp"
address = "[::]:25"
[[listener]]
service = "imap"
address = "127.0.0.1:0"
tls = "none"
plaintextAuth = true
publicPort = 143
bareNewline = "normalize"
[[senderRule]]
from = "*.partner.example"
spfFail = "junk"
unproved = "refuse"
[accountWatch]
action = "note"
recipientsPerHour = 100
exempt = ["News@Example.ORG", "@Lists.example.org"]
[tls]
source = "files"
[[tls.certificate]]
cert = "a.pem"
key = "/keys/a.key"
[dns]
servers = ["127.0.0.1:5353", "[::1]:53", "9.9.9.9"]
hosts = { "Mail.lan" = ["10.0.0.5", "fd00::5"], "b.lan" = "10.0.0.6" }
lookups = false
[[destination]]
match = "*.mail.example.net"
ratePerMinute = 600
retryAfterMs = ["10m"]

[[route]]
domain = "*.example.net"
to = "relay.example.net:587"
username = "us"
passwordFile = "relay.password"
[[route]]
domain = "*"
to = "[::1]"
[transfer]
messageBytesMax = "1.5MB"
retryAfterMs = [1000, "2m"]
queueLifetimeMs = "2d"
subaddressDelimiter = ""
[publish]
mtaSts = "enforce"
mtaStsMaxAgeMs = "60d"
mtaStsHosts = ["MX.example.org", "*.bücher.example"]
[log]
level = "debug"
file = "pennypost.log"
[limits]
shutdownGraceMs = "500ms"
`,
    '/etc/mail/pennypost.toml',
  )
  assert.deepEqual(config, {
    hostname: 'mail.example.org',
    data: '/etc/var/mail',
    user: 'mail',
    warnings: [],
    group: undefined,
    domains: ['example.org', 'xn--bcher-kva.example'],
    submitSocket: '/etc/var/mail/submit.sock',
    origin: 'example.org',
    trustedNetworks: [{ ...parseIpNetwork('10.1.0.0/16')!, text: '10.1.0.0/16' }],
    warmUp: true,
    listeners: [
      {
        service: 'smtp',
        address: '::',
        port: 25,
        tls: 'starttls',
        plaintextAuth: false,
        bareNewline: 'refuse',
        publicPort: 25,
      },
      {
        service: 'imap',
        address: '127.0.0.1',
        port: 0,
        tls: 'none',
        plaintextAuth: true,
        bareNewline: 'normalize',
        publicPort: 143,
      },
    ],
    tls: { source: 'files', certificates: [{ cert: '/etc/mail/a.pem', key: '/keys/a.key' }] },
    dns: {
      servers: ['127.0.0.1:5353', '[::1]:53', '9.9.9.9'],
      validated: false,
      hosts: new Map([
        ['mail.lan', ['10.0.0.5', 'fd00::5']],
        ['b.lan', ['10.0.0.6']],
      ]),
      lookups: false,
    },
    destinations: [
      { match: '*.mail.example.net', connectionsMax: undefined, ratePerMinute: 600, retryAfterMs: [600_000] },
    ],
    routes: [
      {
        domain: '*.example.net',
        hosts: [{ host: 'relay.example.net', port: 587 }],
        tls: 'required',
        username: 'us',
        passwordFile: '/etc/mail/relay.password',
      },
      { domain: '*', hosts: [{ host: '::1', port: 25 }], tls: 'opportunistic' },
    ],
    relay: { domains: [] },
    accountWatch: {
      action: 'note',
      recipientsPerHour: 100,
      unknownPerHour: 50,
      networksPerHour: 15,
      exempt: ['news@example.org', '@lists.example.org'],
    },
    reports: { tls: false, contact: 'postmaster@example.org' },
    publish: {
      mtaSts: 'enforce',
      mtaStsMaxAgeMs: 60 * 86_400_000,
      mtaStsHosts: ['mx.example.org', '*.xn--bcher-kva.example'],
      tlsReportsTo: undefined,
    },
    transfer: {
      ...transferDefaults,
      hostname: 'mail.example.org',
      messageBytesMax: 1.5 * 1024 * 1024,
      retryAfterMs: [1000, 120_000],
      queueLifetimeMs: 172_800_000,
      subaddressDelimiter: '',
    },
    authenticity: authenticityDefaults,
    senderRules: [{ from: '*.partner.example', dmarcFail: undefined, spfFail: 'junk', unproved: 'refuse' }],
    log: { level: 'debug', file: '/etc/mail/pennypost.log', format: 'auto' },
    smtp: { ...smtpDefaults, ...smtpRateDefaults },
    rewrite: rewriteDefaults,
    checks: [],
    pop3: { loginDelayMs: 0 },
    auth: authDefaults,
    oauth: oauthDefaults,
    directory: directoryDefaults,
    limits: { ...admissionDefaults, shutdownGraceMs: 500 },
  })
})

test('every fault is told at once, with line, suggestion and hint', async () => {
  assert.deepEqual(
    await faultsOf(`hostnam = "mail.example.org"
[[listener]]
service = "smtpp"

[[listener]]
service = "managesieve"
[transfer]
messageBytesMax = "50XB"
shutdownGraceMs = 3
retryAfterMs = [
  "5m",
  "x",
]
[store]
engine = "postgres"
`),
    [
      'f:1: Unknown key "hostnam" in the configuration. Did you mean "hostname"?',
      'f:3: listener[0].service must be one of "smtp", "submission", "submissions", "lmtp", "imap", "imaps", "pop3", "pop3s", "managesieve", "http", "https". Did you mean "smtp"?',
      'f:6: The service "managesieve" is not available yet. Remove this listener; available services: smtp, submission, submissions, lmtp, imap, imaps, pop3, pop3s, http, https.',
      'f:8: transfer.messageBytesMax must be a size: bytes, or a number with KB, MB, GB or TB (powers of 1024). Write it like "50MB"; units: B, KB, MB, GB, TB, and a plain number counts bytes.',
      'f:9: Unknown key "shutdownGraceMs" in [transfer]. "shutdownGraceMs" belongs in [limits].',
      'f:10: transfer.retryAfterMs (entry 2) must be a time: milliseconds, or a number with ms, s, m, h or d. Write it like "30s"; units: ms, s, m, h, d, and a plain number counts milliseconds.',
      'f:15: The engine "postgres" is not implemented yet. Use "sqlite", the default.',
    ],
  )
})

const single: readonly (readonly [string, RegExp])[] = [
  ['hostname = "x', /^f:1: This is not valid TOML: /],
  ['hostname = 3', /^f:1: hostname must be a string in quotes\.$/],
  ['hostname = "[127.0.0.1]"', /^f:1: hostname must be a domain name/],
  ['data = ""', /^f:1: data must not be empty\.$/],
  ['domains = "example.org"', /^f:1: domains must be a list in \[ \]\. Write \["example.org"\]/],
  ['listener = 3', /^f:1: listener must be a list of tables\. Write \[\[listener\]\]/],
  ['[listener]\nservice = "smtp"', /^f:1: listener must be a list of tables/],
  ['[[tls]]', /^f:1: tls must be a table\. Write \[tls\], with one pair/],
  ['\n[[listener]]\naddress = "127.0.0.1:1"', /^f:2: A listener needs a service\. It is one of smtp,/],
  [
    '[[listener]]\nservice = "smtp"\naddress = "localhost:25"',
    /^f:3: listener\[0\]\.address must be an address.*not names/,
  ],
  [
    '[[listener]]\nservice = "smtp"\naddress = "127.0.0.1:70000"',
    /^f:3: listener\[0\]\.address must be a whole number from 0 to 65535\.$/,
  ],
  [
    '[[listener]]\nservice = "imap"\n[[listener]]\nservice = "smtp"\naddress = "127.0.0.1:1143"',
    /^f:5: Two listeners use 127\.0\.0\.1:1143\. The other one is in line 1\.$/,
  ],
  [
    '[[listener]]\nservice = "imaps"\ntls = "starttls"',
    /^f:3: The service "imaps" cannot have tls = "starttls"\. Use service = "imap" for that\.$/,
  ],
  ['[[listener]]\nservice = "submission"\ntls = "implicit"', /^f:3: .* Use service = "submissions" for that\.$/],
  ['[[listener]]\nservice = "imap"\ntls = "none"', /^f:3: No client could sign in at this imap listener/],
  [
    '[[listener]]\nservice = "imap"\naddress = "0.0.0.0:143"\nplaintextAuth = true',
    /^f:4: plaintextAuth is for loopback addresses only, and this one is 0\.0\.0\.0/,
  ],
  ['[tls]\nsource = "acme"', /^f:2: tls\.source must be one of "self-signed", "files"\.$/],
  ['[tls]\nsource = "files"', /^f:2: tls\.source is "files", but no certificate is named\. Set cert and key/],
  ['[tls]\ncert = "a.pem"\nkey = "a.key"', /^f:2: Certificates are named, but tls\.source is "self-signed"/],
  ['[tls]\nsource = "files"\ncert = "a.pem"', /^f:1: A certificate needs cert and key, and key is missing/],
  [
    '[tls]\nsource = "files"\n\n[[tls.certificate]]\nkey = "a.key"',
    /^f:4: A certificate needs cert and key, and cert is missing/,
  ],
  ['[[route]]\nto = "relay.example.net"', /^f:1: A route needs "domain"/],
  [
    '[[route]]\ndomain = "*"\nto = "relay.example.net:587"\nusername = "us"',
    /^f:1: A route that signs in needs username and passwordFile/,
  ],
  [
    '[[route]]\ndomain = "*"\nto = "r.example.net"\nusername = "u"\npasswordFile = "p"\ntls = "none"',
    /^f:6: The route's password would be sent without TLS/,
  ],
  ['[transfer]\nretryAfterMs = []', /^f:2: transfer\.retryAfterMs must have at least 1 entry\.$/],
  ['[transfer]\nqueueLifetimeMs = "30d"', /^f:2: transfer\.queueLifetimeMs must be at most 24 days\.$/],
  ['[transfer]\nhopsMax = 0', /^f:2: transfer\.hopsMax must be a whole number from 1 to 1000\.$/],
  ['[transfer]\nhopsMax = 1.5', /^f:2: transfer\.hopsMax must be a whole number, 0 or more\.$/],
  ['[transfer]\nsubaddressDelimiter = "@"', /^f:2: transfer\.subaddressDelimiter must be at most 8 characters/],
  ['dns = { servers = ["dns.example.net"] }', /^f:1: dns\.servers \(entry 1\) must be an address/],
  ['[zzzzzzzz]\nx = 1', /^f:1: Unknown key "zzzzzzzz" in the configuration\. Known keys: hostname, /],
]
for (const [source, expected] of single) {
  test(`a fault is a sentence with its line: ${JSON.stringify(source)}`, async () => {
    const faults = await faultsOf(source)
    assert.equal(faults.length, 1, faults.join('\n'))
    assert.match(faults[0]!, expected)
  })
}

test('plaintextAuth may be switched on for loopback', async () => {
  for (const address of ['127.0.0.1:1', '127.9.9.9:1', '[::1]:1']) {
    assert.deepEqual(
      await faultsOf(`[[listener]]\nservice = "imap"\naddress = "${address}"\ntls = "none"\nplaintextAuth = true`),
      [],
    )
  }
})

test('a file that is not there is told so', async () => {
  await assert.rejects(
    loadConfig('/nowhere/pennypost.toml'),
    /^ConfigError: \/nowhere\/pennypost\.toml: File not found\. Check the path/,
  )
})

test('the sample says nothing but the defaults', async () => {
  assert.deepEqual(await parseConfig(sampleText(), '/etc/pennypost.toml'), await parseConfig('', '/etc/pennypost.toml'))
})

test('the sample shows a relay at the port where one signs in (RFC 6409 §3.1)', () => {
  assert.match(sampleText(), /^# to = "relay\.example\.net:587"$/m)
})

test('each line of the sample can be switched on', async () => {
  // What is commented out with one "#" and looks like TOML; prose has no " = ".
  const active = sampleText().replace(/^# (?=\[\[|[a-zA-Z0-9]+ = )/gm, '')
  const root = parse(active) as Record<string, Record<string, unknown>>
  for (const { section, key } of entries) {
    const table =
      section.name === ''
        ? root
        : section.name.split('.').reduce((at: unknown, name) => {
            const next = (at as Record<string, unknown>)[name]
            return Array.isArray(next) ? next[0] : next
          }, root)
    assert.ok(key in (table as object), `${section.name}.${key}`)
  }
})

test('every option tells why, and can be asked for', () => {
  for (const entry of entries) {
    assert.match(entry.option.why, /^["A-Z].*\.$/s, entry.path)
    assert.ok(findEntries(entry.path).includes(entry))
    assert.match(explainEntry(entry), /^ {2}default /m)
  }
  assert.equal(findEntries('listener').length, 7)
  assert.deepEqual(
    findEntries('hopsMax').map(({ path }) => path),
    ['transfer.hopsMax'],
  )
  assert.equal(suggestEntry('hopMax'), 'hopsMax')
  assert.equal(suggestEntry('qqqqqqqqqq'), undefined)
})

test('every default is fine by its own kind', () => {
  for (const { path, option } of entries) {
    for (const value of [option.default, option.example]) {
      if (value === undefined) continue
      const written = parse(`v = ${option.kind.format(value)}`)['v']
      assert.deepEqual(option.kind.read(written), value, path)
    }
  }
})

test('key lines are found in every form of TOML', () => {
  const lines = keyLines(
    [
      '# a comment with [brackets] = and "quotes',
      'a = 1',
      '"b c".d = """',
      'x = 1 \\""" ',
      '[no]"""',
      "e = '''",
      "it''s''''",
      'list = [',
      '  1, # one',
      '  { x = 1,',
      ' y = "]" },',
      ']',
      '[t.u]',
      'k = 2',
      '[[r]]',
      'n = 1',
      '[[r]]',
      'n = 2',
      '[r.sub]',
      'm = 1979-05-27T07:32:00Z',
    ].join('\n'),
  )
  const expected: Record<string, number> = {
    a: 2,
    'b c.d': 3,
    e: 6,
    list: 8,
    'list[0]': 9,
    'list[1].x': 10,
    'list[1].y': 11,
    't.u': 13,
    't.u.k': 14,
    r: 15,
    'r[0].n': 16,
    'r[1]': 17,
    'r[1].n': 18,
    'r[1].sub.m': 20,
    // What is not there: the nearest thing around it.
    't.u.missing': 13,
    missing: 1,
  }
  for (const [path, line] of Object.entries(expected)) assert.equal(lines.of(path), line, path)
})

test('no text keeps the line reader from ending', () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'[]{}="\'#\n\\,.ab 1') }), (text) => void keyLines(text)))
})

test('the nearest name is found, and nothing where none is near', () => {
  assert.equal(editDistance('kitten', 'sitting'), 3)
  assert.equal(editDistance('ab', 'ba'), 1)
  assert.equal(nearest('lisener', ['listener', 'limits']), 'listener')
  assert.equal(nearest('plaintext_auth', ['plaintextAuth']), 'plaintextAuth')
  assert.equal(nearest('zzz', ['listener', 'tls']), undefined)
  assert.equal(defaultServices.length, 10)
})
