import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HttpClient, HttpReply } from '../../base/http-client.ts'
import { silentLog } from '../../base/log.ts'
import { SimulatedClock } from '../../platform/simulated/clock.ts'
import { simulatedResolver, type ZoneEntry } from '../../platform/simulated/resolver.ts'
import { StsPolicies } from './policies.ts'
import { allowsHost, parseStsPolicy, parseStsRecord, type StsPolicy } from './policy.ts'

test('RFC 8461 §3.1: the record', () => {
  assert.equal(parseStsRecord(['v=STSv1; id=20160831085700Z;']), '20160831085700Z')
  assert.equal(parseStsRecord(['spf', 'v=STSv1;id=1']), '1')
  assert.equal(parseStsRecord(['v=STSv1; x.y=z; id=1 ; id=2']), '1')
  for (const wrong of [[], ['v=STSv1'], ['v=STSv1; id='], ['v=STSv2; id=1'], ['V=STSv1; id=1'], ['id=1; v=STSv1']])
    assert.equal(parseStsRecord(wrong), undefined)
  assert.equal(parseStsRecord(['v=STSv1; id=1', 'v=STSv1; id=1']), undefined)
  assert.equal(parseStsRecord(['v=STSv1; id=not-letters']), undefined)
  assert.equal(parseStsRecord([`v=STSv1; id=${'1'.repeat(33)}`]), undefined)
  assert.equal(parseStsRecord(['v=STSv1; id=1; what is this']), undefined)
})

const example =
  'version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n'

test('RFC 8461 §3.2: the policy', () => {
  const mx = ['mail.example.com', '*.example.net', 'backupmx.example.com']
  assert.deepEqual(parseStsPolicy(example), { mode: 'enforce', mx, maxAgeS: 604_800 })
  assert.deepEqual(parseStsPolicy(example.replaceAll('\r', '')), { mode: 'enforce', mx, maxAgeS: 604_800 })
  assert.deepEqual(parseStsPolicy('version: STSv1\nmode: none\nmax_age: 9999999999'), {
    mode: 'none',
    mx: [],
    maxAgeS: 31_557_600,
  })
  // Of repeated fields the first counts, unknown ones do not.
  assert.equal((parseStsPolicy(`${example}mode: none\nnew_field: x y\n`) as StsPolicy).mode, 'enforce')
  assert.equal(parseStsPolicy(example.replace('STSv1', 'STSv2')), 'not of version STSv1')
  assert.equal(parseStsPolicy(example.replace('enforce', 'maybe')), 'no mode that we know')
  assert.equal(parseStsPolicy(example.replace('604800', '-1')), 'no max_age')
  assert.equal(parseStsPolicy(example.replace(/^mx.*\r\n/gm, '')), 'no mx')
  assert.equal(parseStsPolicy(example.replace('*.example.net', 'mail.*.net')), 'an mx that is no host')
  assert.equal(parseStsPolicy('<html>\n'), 'a line that is no field')
})

test('RFC 8461 §4.1: a wildcard stands for one label', () => {
  const policy = parseStsPolicy(example) as StsPolicy
  for (const host of ['mail.example.com', 'MAIL.example.com', 'a.example.net', 'backupmx.example.com'])
    assert.equal(allowsHost(policy, host), true, host)
  for (const host of ['example.net', 'a.b.example.net', 'mail.example.org', 'xexample.net'])
    assert.equal(allowsHost(policy, host), false, host)
})

class World {
  readonly clock = new SimulatedClock(Date.UTC(2024, 0, 15))
  readonly names = new Map<string, ZoneEntry>()
  readonly store = new Map<string, string>()
  readonly asked: string[] = []
  answer: Partial<HttpReply> | Error = {}
  policies = this.open()

  constructor() {
    this.names.set('mta-sts.example.com', { addresses: ['192.0.2.1'] })
    this.publish('1')
  }

  open(): StsPolicies {
    const http: HttpClient = {
      ask: async ({ url, addresses }) => {
        this.asked.push(`${url} ${addresses?.join()}`)
        if (this.answer instanceof Error) throw this.answer
        return { status: 200, contentType: 'text/plain; charset=utf-8', body: Buffer.from(example), ...this.answer }
      },
    }
    return new StsPolicies({
      resolver: simulatedResolver({ names: this.names, fails: () => false }),
      http,
      clock: this.clock,
      log: silentLog,
      keep: {
        read: async (domain) => this.store.get(domain),
        write: async (domain, text) => void this.store.set(domain, text),
      },
    })
  }

  publish(id: string | undefined): void {
    this.names.set('_mta-sts.example.com', { txt: id === undefined ? [] : [`v=STSv1; id=${id};`] })
  }

  async look(): Promise<string> {
    const { policy, failure } = await this.policies.of('example.com')
    return [policy?.mode ?? 'nothing', ...(failure ? [failure] : [])].join(' ')
  }
}

test('a policy is fetched once, and kept over restarts', async () => {
  const world = new World()
  assert.equal(await world.look(), 'enforce')
  assert.equal(await world.look(), 'enforce')
  world.policies = world.open()
  assert.equal(await world.look(), 'enforce')
  assert.deepEqual(world.asked, ['https://mta-sts.example.com/.well-known/mta-sts.txt 192.0.2.1'])
})

test('a domain without a record is not asked for a policy', async () => {
  const world = new World()
  world.publish(undefined)
  assert.equal(await world.look(), 'nothing')
  assert.deepEqual(world.asked, [])
})

test('a live policy outlasts a record that went and a host that fails, until its time is over', async () => {
  const world = new World()
  assert.equal(await world.look(), 'enforce')
  world.publish(undefined)
  assert.equal(await world.look(), 'enforce')
  world.publish('2')
  world.answer = { status: 404 }
  assert.equal(await world.look(), 'enforce sts-policy-fetch-error')
  await world.clock.pass(604_800_000)
  assert.equal(await world.look(), 'nothing sts-policy-fetch-error')
  assert.equal(world.store.get('example.com'), '')
})

test('a new id brings the new policy', async () => {
  const world = new World()
  assert.equal(await world.look(), 'enforce')
  world.publish('2')
  world.answer = { body: Buffer.from(example.replace('enforce', 'testing')) }
  assert.equal(await world.look(), 'testing')
})

test('after a failure five minutes pass before the same policy is asked for again', async () => {
  const world = new World()
  world.answer = { status: 500 }
  for (let i = 0; i < 5; i++) assert.equal(await world.look(), 'nothing sts-policy-fetch-error')
  assert.equal(world.asked.length, 1)
  await world.clock.pass(5 * 60_000)
  world.answer = {}
  assert.equal(await world.look(), 'enforce')
  assert.equal(world.asked.length, 2)
})

test('a policy is asked for again each day, beside the mail', async () => {
  const world = new World()
  await world.look()
  await world.clock.pass(25 * 3600_000)
  assert.equal(await world.look(), 'enforce')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(world.asked.length, 2)
  await world.clock.pass(6 * 86_400_000)
  // Seven days after the first fetch: the second one prolonged it.
  world.answer = { status: 500 }
  assert.equal(await world.look(), 'enforce')
})

test('failures have the names of RFC 8460', async () => {
  const world = new World()
  const look = async (answer: World['answer'], id: string): Promise<string> => {
    world.answer = answer
    world.publish(id)
    return world.look()
  }
  assert.equal(await look({ status: 301 }, 'a'), 'nothing sts-policy-fetch-error')
  assert.equal(await look({ contentType: 'text/html' }, 'b'), 'nothing sts-policy-invalid')
  assert.equal(await look({ body: Buffer.from('x') }, 'c'), 'nothing sts-policy-invalid')
  const refused = Object.assign(new Error('certificate has expired'), { code: 'CERT_HAS_EXPIRED' })
  assert.equal(await look(refused, 'd'), 'nothing sts-webpki-invalid')
  world.names.delete('mta-sts.example.com')
  assert.equal(await look({}, 'e'), 'nothing sts-policy-fetch-error')
})
