/** From nothing to a production set-up by one command, and what the DNS should say about it. */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parseConfig } from '../../src/config/load.ts'
import { simulatedResolver, type ZoneEntry } from '../../src/platform/simulated/resolver.ts'
import { checkRecords } from '../../src/web/discovery/check.ts'
import { recordsFor } from '../../src/web/discovery/dns.ts'
import { offersOf } from '../../src/web/discovery/settings.ts'
import { pennypost, removeFolder, temporaryFolder } from './program.ts'

const base = temporaryFolder()
after(() => removeFolder(base))
// The user of the system has to reach what lies in it.
chmodSync(base, 0o755)

test('quickstart writes a configuration that is fine, makes an account, prints the records; again, it refuses', async () => {
  const file = join(base, 'pennypost.toml')
  const args = [
    'quickstart',
    'example.org',
    '--config',
    file,
    '--data',
    join(base, 'data'),
    '--user',
    'nobody',
    '--yes',
  ]
  const { status, out, err } = await pennypost([...args, '--no-check'])
  assert.equal(status, 0, err)
  assert.match(out, /^First account: admin@example\.org\nIts password: {2}\S{10,}$/m)
  assert.match(out, /^example\.org\. +IN MX +10 mail\.example\.org\.$/m)
  assert.match(out, /^_imaps\._tcp\.example\.org\. +IN SRV +0 1 993 mail\.example\.org\.$/m)
  const config = await parseConfig(readFileSync(file, 'utf8'), file)
  assert.deepEqual(
    config.listeners.map(({ service, address, port }) => `${service} ${address} ${port}`),
    [
      'smtp :: 25',
      'submission :: 587',
      'submissions :: 465',
      'imap :: 143',
      'imaps :: 993',
      'pop3 :: 110',
      'pop3s :: 995',
      'http :: 80',
      'https :: 443',
    ],
  )
  assert.equal(config.hostname, 'mail.example.org')
  const aliases = await pennypost(['alias', 'list', '--json', '--config', file])
  assert.deepEqual(
    (JSON.parse(aliases.out) as { address: string }[]).map(({ address }) => address),
    ['abuse@example.org', 'postmaster@example.org', 'root@example.org'],
  )
  const again = await pennypost([...args, '--no-check'])
  assert.deepEqual(
    [again.status, again.err],
    [1, `${file} already exists: edit it, or name another file with --config.\n`],
  )
  const records = await pennypost(['domain', 'dns', 'example.org', '--json', '--config', file])
  assert.ok((JSON.parse(records.out) as { type: string }[]).some(({ type }) => type === 'MX'))
})

test('the DNS is asked for every record: right, missing, other than it should be, or without an answer', async () => {
  const host = 'mail.example.org'
  const names = new Map<string, ZoneEntry>([
    [host, { addresses: ['192.0.2.1'] }],
    ['example.org', { mx: [{ preference: 10, exchange: host }], txt: ['site-verification=1', 'v=spf1 mx ~all'] }],
    ['_dmarc.example.org', { txt: ['v=DMARC1; p=reject'] }],
    ['_imaps._tcp.example.org', { srv: [{ priority: 0, weight: 1, port: 993, target: host }] }],
    ['_imap._tcp.example.org', { srv: [{ priority: 0, weight: 1, port: 144, target: host }] }],
    ['autoconfig.example.org', { addresses: ['192.0.2.9'] }],
  ])
  const resolver = simulatedResolver({ names, fails: (name) => name.startsWith('_submission') })
  const offers = offersOf(host, [
    { service: 'imaps', tls: 'implicit', publicPort: 993, plaintextAuth: false },
    { service: 'imap', tls: 'starttls', publicPort: 143, plaintextAuth: false },
    { service: 'submission', tls: 'starttls', publicPort: 587, plaintextAuth: false },
  ])
  const checked = await checkRecords(recordsFor('example.org', host, offers), resolver)
  const states = Object.fromEntries(checked.map(({ name, type, state }) => [`${type} ${name}`, state]))
  assert.deepEqual(states, {
    'A/AAAA mail.example.org': 'right',
    'MX example.org': 'right',
    'TXT example.org': 'right',
    'TXT _dmarc.example.org': 'right',
    'SRV _imaps._tcp.example.org': 'right',
    'SRV _imap._tcp.example.org': 'differs',
    'SRV _pop3s._tcp.example.org': 'right',
    'SRV _pop3._tcp.example.org': 'right',
    'SRV _submissions._tcp.example.org': 'unknown',
    'SRV _submission._tcp.example.org': 'unknown',
    'CNAME autoconfig.example.org': 'differs',
    'CNAME autodiscover.example.org': 'missing',
    'SRV _autodiscover._tcp.example.org': 'missing',
  })
  names.set('other.example.org', { addresses: ['192.0.2.1'] })
  names.set(host, { addresses: ['192.0.2.2'] })
  const stray = {
    ...simulatedResolver({ names, fails: () => false }),
    reverse: async () => ({ kind: 'found' as const, records: ['elsewhere.example'] }),
  }
  const [first] = await checkRecords(recordsFor('example.org', host, offers), stray)
  assert.equal(first!.state, 'differs')
  assert.match(first!.found, /reverse name of 192\.0\.2\.2 is not mail\.example\.org/)
})
