import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ArcVerdict } from './verify.ts'
import { vouchedBy } from './vouched.ts'

function chain(...sets: readonly (readonly [sealer: string, results: string])[]): ArcVerdict {
  return {
    result: 'pass',
    sets: sets.map(([domain, results], i) => ({ instance: i + 1, results, seal: { domain } })) as never,
  }
}
const pass = 'ARC-Authentication-Results: i=1; mx.l.example; spf=fail; dmarc=pass (p=reject)\r\n header.from=b.example'

test('who saw it pass is believed where all are trusted that had it since', () => {
  assert.equal(vouchedBy(chain(['l.example', pass]), ['l.example'], 'b.example'), 'l.example')
  assert.equal(
    vouchedBy(chain(['l.example', pass], ['m.example', 'x; dmarc=fail']), ['l.example', 'm.example'], 'b.example'),
    'l.example',
  )
  assert.equal(
    vouchedBy(chain(['l.example', pass], ['m.example', 'x; dmarc=fail']), ['l.example'], 'b.example'),
    undefined,
  )
  assert.equal(vouchedBy(chain(['L.example', pass]), ['l.example'], 'b.example'), 'l.example')
})

test('nothing else is a word for it', () => {
  const trusted = ['l.example']
  for (const results of [
    'x; dmarc=fail (dmarc=pass header.from=b.example)',
    'x; dmarc=fail reason="; dmarc=pass header.from=b.example"',
    'x; dmarc=pass header.from=other.example',
    'x; dmarc=pass header.from=b.example.evil',
    'x; xdmarc=pass header.from=b.example',
    'x; spf=pass smtp.mailfrom=b.example',
  ])
    assert.equal(vouchedBy(chain(['l.example', results]), trusted, 'b.example'), undefined, results)
  assert.equal(vouchedBy({ ...chain(['l.example', pass]), result: 'fail' }, trusted, 'b.example'), undefined)
  assert.equal(vouchedBy(chain(['l.example', pass]), [], 'b.example'), undefined)
})
