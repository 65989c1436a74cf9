/** Replies and the enhanced codes in them, wherever they are written. RFC 2034 §4: both are of one class, or a client believes either. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sourceFiles } from './source.ts'

/** `formatReply(503, '5.5.1 …')`, `row(550, '5.1.1', …)`, `code: 550, enhanced: '5.1.1'`, `'250 2.1.5 Filed'`. */
const written = /\b([245])\d\d(?:,\s*(?:enhanced:\s*)?['"`]| )([245])\.\d{1,3}\.\d{1,3}\b/g

test('a reply and its enhanced code are of one class', () => {
  const wrong: string[] = []
  let seen = 0
  for (const { path, text, isTest } of sourceFiles) {
    if (isTest) continue
    for (const [words, code, enhanced] of text.matchAll(written)) {
      seen++
      if (code !== enhanced) wrong.push(`${path}: ${words}`)
    }
  }
  assert.deepEqual(wrong, [])
  assert.ok(seen > 100, `${seen} were seen`)
})
