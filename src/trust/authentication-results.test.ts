import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isResultsOf } from './authentication-results.ts'

test('results of our name from outside are forged; those of other hosts stay (RFC 8601 §5)', () => {
  for (const ours of [
    'mx.a.example; spf=pass',
    ' MX.A.example',
    '"mx.a.example"; x',
    '(x) mx.a.example (y) 1; none',
    'mx.a.example 1',
  ])
    assert.equal(isResultsOf(ours, 'mx.a.example'), true, ours)
  for (const other of [
    'mx.b.example; spf=pass',
    'sub.mx.a.example; x',
    'mx.a.example.org; x',
    'a.example; x',
    '',
    '(mx.a.example)',
    ';',
  ])
    assert.equal(isResultsOf(other, 'mx.a.example'), false, other)
})
