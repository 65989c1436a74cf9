/** Finds a parser that has no row in the tables of growth: what reads the outside world is named after what it does. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sourceFiles } from '../architecture/source.ts'
import { parsers } from './parsers.ts'

const rooms = /^(?:mail|trust|delivery|transport|queue|protocol|directory|sieve|base|platform\/real|cli\/sendmail)\//
/** CONTRIBUTING.md, Names: the verb tells what a function is. */
const named =
  /^export (?:async )?(?:function\*? ((?:parse|decode|read|split|unfold|take|decompress)[A-Z]\w*|\w+To(?:Text|Html))|class (\w*(?:Reader|Parser|Verifier|Decoder|Grammar)))\b/gm

/** What is named like a parser and has no row, and why it needs none. */
const elsewhere: Readonly<Record<string, string>> = {
  takeAliases: 'is parseAliases and the store',
  readMailParameters: 'at most 32 parameters of a line, each by a pattern bound at both ends',
  readCertificates: "an operator's files, at start",
  parseQuota: "a number, of the operator's directory",
  parseScramKeys: 'keys that we wrote ourselves',
  parseLine: 'one line of the trace, as JSON that we wrote ourselves',
}

test('every parser that can be reached from outside has a row in the tables of growth', () => {
  const covered = new Set([...parsers.flatMap(({ covers }) => covers), ...Object.keys(elsewhere)])
  const found: string[] = []
  for (const { path, text, isTest } of sourceFiles)
    if (rooms.test(path) && !isTest)
      for (const [, name = '', reader = ''] of text.matchAll(named)) found.push(name || reader)
  assert.deepEqual(
    found.filter((name) => !covered.has(name)),
    [],
    'add them to test/growth/*-parsers.ts',
  )
  assert.deepEqual(
    Object.keys(elsewhere).filter((name) => !found.includes(name)),
    [],
    'these are no more',
  )
  assert.ok(found.length > 60)
})
