import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTlsRptRecord } from './record.ts'

const reports = { kind: 'mailto', mailbox: { localPart: 'reports', domain: 'example.com' } }

test('the examples of RFC 8460 §3.1', () => {
  assert.deepEqual(parseTlsRptRecord(['v=TLSRPTv1;rua=mailto:reports@example.com']), [reports])
  assert.deepEqual(parseTlsRptRecord(['v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt']), [
    { kind: 'https', url: 'https://reporting.example.com/v1/tlsrpt' },
  ])
})

test('several targets, escapes, unknown fields, other records beside it', () => {
  const record = 'v=TLSRPTv1; x=1; rua=mailto:reports%40example.com?subject=x , https://r.example/%2C,ftp://r.example ;'
  assert.deepEqual(parseTlsRptRecord(['v=spf1 -all', record]), [
    reports,
    { kind: 'https', url: 'https://r.example/%2C' },
  ])
  assert.deepEqual(parseTlsRptRecord(['v=TLSRPTv1; rua=mailto:r%2Bx@example.com?subject=x']), [
    { kind: 'mailto', mailbox: { localPart: 'r+x', domain: 'example.com' } },
  ])
})

test('no record: none, two, another version, no field, no target', () => {
  const good = 'v=TLSRPTv1;rua=mailto:reports@example.com'
  for (const texts of [
    [],
    [good, good],
    ['v=TLSRPTv2;rua=mailto:reports@example.com'],
    ['v=TLSRPTv1'],
    ['v=TLSRPTv1;'],
    ['v=TLSRPTv1; nonsense'],
    ['v=TLSRPTv1; rua=mailto:nobody'],
    ['v=TLSRPTv1; rua=mailto:%zz@example.com'],
    ['v=TLSRPTv1; rua=https://'],
  ])
    assert.deepEqual(parseTlsRptRecord(texts), [], texts.join())
})

test('a hundred targets: five', () => {
  const rua = Array.from({ length: 100 }, (_, n) => `mailto:r${n}@example.com`).join(',')
  assert.equal(parseTlsRptRecord([`v=TLSRPTv1;rua=${rua}`]).length, 5)
})
