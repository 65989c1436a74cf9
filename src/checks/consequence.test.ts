import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Evidence } from '../trust/authentication-results.ts'
import { consequenceOf, type SenderRule } from './consequence.ts'

const random = { bytes: (count: number) => new Uint8Array(count), below: () => 0 }
const options = { dmarc: 'obey', trustedSealers: [] } as const

function evidence(dmarc: object, spf: string): Evidence {
  return {
    clientAddress: '192.0.2.1',
    dmarc: { domain: 'b.example', policy: 'none', percent: 100, aligned: [], ...dmarc },
    spf: { result: spf, domain: 'b.example' },
    dkim: [],
    arc: { result: 'none' },
  } as unknown as Evidence
}

test('refusals are permanent, with an enhanced code for the reason (RFC 7372 §3)', () => {
  for (const [what, rules, code, enhanced, words] of [
    [evidence({ result: 'fail', policy: 'reject' }, 'none'), [], 550, '5.7.26', /b\.example asks that .*DMARC/],
    [evidence({ result: 'fail' }, 'none'), [{ from: '*', dmarcFail: 'refuse' }], 550, '5.7.26', /DMARC check of b\./],
    [
      evidence({ result: 'none' }, 'fail'),
      [{ from: '*', spfFail: 'refuse' }],
      550,
      '5.7.23',
      /192\.0\.2\.1 may not send/,
    ],
    [evidence({ result: 'none' }, 'none'), [{ from: '*', unproved: 'refuse' }], 550, '5.7.1', /only where SPF or DKIM/],
    [evidence({ result: 'permerror', policy: 'reject', unclear: true }, 'none'), [], 550, '5.6.0', /From is not one/],
    [
      evidence({ result: 'temperror', policy: 'reject', unclear: true }, 'none'),
      [],
      451,
      '4.7.0',
      /cannot be looked up/,
    ],
  ] as const) {
    const { measure, refuse } = consequenceOf(what, options, rules as readonly SenderRule[], random)
    assert.equal(measure, 'refuse')
    assert.deepEqual([refuse!.code, refuse!.enhanced], [code, enhanced])
    assert.match(refuse!.text, words)
  }
})

test('suspect messages are junk, and a share of them, as the domain asks, gets the next milder policy', () => {
  const failing = (policy: string): Evidence => evidence({ result: 'fail', policy, percent: 50 }, 'none')
  const at = (chance: number) => ({ ...random, below: () => chance })
  const done = (policy: string, chance: number): string =>
    consequenceOf(failing(policy), options, [], at(chance)).measure
  assert.deepEqual(
    ['none', 'quarantine', 'reject'].map((policy) => [done(policy, 49), done(policy, 50)]),
    [
      ['note', 'note'],
      ['junk', 'note'],
      ['refuse', 'junk'],
    ],
  )
})
