import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { SimulatedClock } from '../../platform/simulated/clock.ts'
import type { NotedPolicy, TlsFailure } from '../smtp/tls-notes.ts'
import type { Host } from '../route.ts'
import { notesWhile, TlsCounts } from './counts.ts'
import { reportBytes, reportDraft, reportJson } from './report.ts'

const dayMs = 86_400_000
const sts: NotedPolicy = {
  type: 'sts',
  policy: { mode: 'testing', mx: ['*.mail.company-y.example'], maxAgeS: 86_400 },
}
const none: NotedPolicy = { type: 'no-policy-found' }

function hostOf(name: string, domain = 'company-y.example'): Host {
  return { name, addresses: [], port: 25, tls: 'opportunistic', domain }
}

function clockAt(text: string): SimulatedClock {
  return new SimulatedClock(Date.parse(text))
}

const facts = { organization: 'Company-X', contact: 'sts-reporting@company-x.example' }

test('the example of RFC 8460, appendix B', async () => {
  const clock = clockAt('2016-04-01T08:00:00Z')
  const counts = new TlsCounts(clock)
  const count = (times: number, mx: string, type?: TlsFailure, more = {}): void => {
    for (let i = 0; i < times; i++) counts.note(hostOf(`${mx}.mail.company-y.example`), sts, type, more)
  }
  count(5326, 'mx1')
  count(100, 'mx1', 'certificate-expired', { localAddress: '2001:db8:abcd:0012::1' })
  const second = { localAddress: '2001:db8:abcd:0013::1', address: '203.0.113.56' }
  count(200, 'mx2', 'starttls-not-supported', second)
  const reason = 'X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED'
  count(3, 'mx-backup', 'validation-failure', { localAddress: '198.51.100.62', address: '203.0.113.58', reason })
  assert.deepEqual(counts.finished(), [])
  await clock.pass(dayMs)
  const [day] = counts.finished()
  assert.deepEqual(JSON.parse(JSON.stringify(reportJson({ ...facts, ...day! }))), {
    'organization-name': 'Company-X',
    'date-range': { 'start-datetime': '2016-04-01T00:00:00Z', 'end-datetime': '2016-04-01T23:59:59Z' },
    'contact-info': 'sts-reporting@company-x.example',
    'report-id': '2016-04-01.company-y.example@company-x.example',
    policies: [
      {
        policy: {
          'policy-type': 'sts',
          'policy-string': ['version: STSv1', 'mode: testing', 'mx: *.mail.company-y.example', 'max_age: 86400'],
          'policy-domain': 'company-y.example',
          'mx-host': ['*.mail.company-y.example'],
        },
        summary: { 'total-successful-session-count': 5326, 'total-failure-session-count': 303 },
        'failure-details': [
          {
            'result-type': 'certificate-expired',
            'sending-mta-ip': '2001:db8:abcd:0012::1',
            'receiving-mx-hostname': 'mx1.mail.company-y.example',
            'failed-session-count': 100,
          },
          {
            'result-type': 'starttls-not-supported',
            'sending-mta-ip': '2001:db8:abcd:0013::1',
            'receiving-mx-hostname': 'mx2.mail.company-y.example',
            'receiving-ip': '203.0.113.56',
            'failed-session-count': 200,
          },
          {
            'result-type': 'validation-failure',
            'sending-mta-ip': '198.51.100.62',
            'receiving-ip': '203.0.113.58',
            'receiving-mx-hostname': 'mx-backup.mail.company-y.example',
            'failed-session-count': 3,
            'failure-reason-code': reason,
          },
        ],
      },
    ],
  })
})

test('policies are counted apart, TLSA records as RFC 8460 §4.5 writes them', async () => {
  const clock = clockAt('2024-01-15T12:00:00Z')
  const counts = new TlsCounts(clock)
  const records = [{ usage: 3, selector: 1, matching: 1, data: Uint8Array.of(0x0a, 0xff) }]
  counts.note(hostOf('mx.b.example', 'b.example'), none)
  counts.note(hostOf('mx.b.example', 'b.example'), { type: 'tlsa', records })
  counts.note(hostOf('mx.b.example', 'b.example'), { type: 'tlsa', records }, 'validation-failure')
  counts.note({ ...hostOf('relay.example'), domain: undefined }, none)
  await clock.pass(dayMs)
  const [day, ...more] = counts.finished()
  assert.deepEqual(more, [])
  assert.deepEqual(
    day!.policies.map(({ type, text, good, bad }) => [type, text, good, bad]),
    [
      ['no-policy-found', [], 1, 0],
      ['tlsa', ['3 1 1 0AFF'], 1, 1],
    ],
  )
})

test('a day ends at midnight UTC; stored counts continue; forgotten ones are gone', async () => {
  const clock = clockAt('2024-01-15T23:59:00Z')
  const counts = new TlsCounts(clock)
  counts.note(hostOf('mx.b.example', 'b.example'), none)
  await clock.pass(2 * 60_000)
  counts.note(hostOf('mx.c.example', 'c.example'), none)
  assert.deepEqual(
    counts.finished().map(({ day, domain }) => `${day} ${domain}`),
    ['2024-01-15 b.example'],
  )
  const again = new TlsCounts(clock, counts.toText())
  again.note(hostOf('mx.c.example', 'c.example'), none)
  await clock.pass(dayMs)
  assert.deepEqual(
    again.finished().map(({ day, domain, policies }) => `${day} ${domain} ${policies[0]!.good}`),
    ['2024-01-15 b.example 1', '2024-01-16 c.example 2'],
  )
  again.forget('2024-01-15', 'b.example')
  again.forget('2024-01-16', 'c.example')
  assert.equal(again.toText(), '{}')
})

test('memory has bounds: domains, policies, kinds of failures, days', async () => {
  const clock = clockAt('2024-01-15T12:00:00Z')
  const counts = new TlsCounts(clock)
  for (let n = 0; n < 2500; n++) counts.note(hostOf('mx', `d${n}.example`), none)
  for (let n = 0; n < 200; n++) {
    counts.note(hostOf('mx', 'd0.example'), none, 'validation-failure', { reason: `${n} ${'x'.repeat(1000)}` })
    counts.note(hostOf('mx', 'd1.example'), { type: 'sts', policy: { mode: 'enforce', mx: ['m'], maxAgeS: n } })
  }
  await clock.pass(dayMs)
  const days = counts.finished()
  assert.equal(days.length, 2000)
  const [first, second] = days
  assert.deepEqual(
    [first!.policies[0]!.bad, first!.policies[0]!.failures.length, first!.policies[0]!.failures[0]!.reason!.length],
    [200, 100, 200],
  )
  assert.equal(second!.policies.length, 30)
  for (let n = 0; n < 5; n++) {
    counts.note(hostOf('mx', 'd.example'), none)
    await clock.pass(dayMs)
  }
  assert.equal(new Set(counts.finished().map(({ day }) => day)).size, 3)
})

test('nothing is counted while reports are disabled, nor for messages sent without regard to policies', () => {
  const counts = new TlsCounts(clockAt('2024-01-15T12:00:00Z'))
  let wanted = false
  const notes = notesWhile(counts, () => wanted)
  notes.note(hostOf('mx.b.example'), none)
  wanted = true
  notes.note({ ...hostOf('mx.b.example'), demand: 'tlsOptional' }, none)
  assert.equal(counts.toText(), '{}')
  notes.note(hostOf('mx.b.example'), none)
  assert.notEqual(counts.toText(), '{}')
})

test('the message has the fields, the subject and the file name of RFC 8460 §5.1 and §5.3', async () => {
  const day = { ...facts, day: '2024-01-15', domain: 'example.net', policies: [] }
  const content = await reportBytes(day)
  assert.deepEqual(JSON.parse(gunzipSync(content).toString()), JSON.parse(JSON.stringify(reportJson(day))))
  const draft = reportDraft(day, content, 'reports@example.net')
  assert.equal(
    draft.subject,
    'Report Domain: example.net Submitter: company-x.example Report-ID: <2024-01-15.example.net@company-x.example>',
  )
  assert.deepEqual(draft.fields!.slice(0, 2), [
    ['TLS-Report-Domain', 'example.net'],
    ['TLS-Report-Submitter', 'company-x.example'],
  ])
  const { body } = draft
  assert.ok(body?.kind === 'multipart')
  assert.equal(body.parts[1]!.fileName, 'company-x.example!example.net!1705276800!1705363199.json.gz')
})
