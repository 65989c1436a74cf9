import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDate, parseDate } from './date.ts'
import { formatInternalDate, internalDay, parseInternalDate } from './internal-date.ts'

test('dates are read in the usual and the obsolete forms', () => {
  const cases: [string, string][] = [
    ['Fri, 21 Nov 1997 09:55:06 -0600', '1997-11-21T15:55:06Z'],
    ['Fri, 21 Nov 1997 09(comment):   55  :  06 -0600', '1997-11-21T15:55:06Z'],
    ['21 Nov 97 09:55:06 GMT', '1997-11-21T09:55:06Z'],
    ['Thu, 13 Feb 69 23:32 -0330', '1969-02-14T03:02:00Z'],
    ['1 Jan 49 00:00:00 +0000', '2049-01-01T00:00:00Z'],
    ['1 Jan 50 00:00:00 +0000', '1950-01-01T00:00:00Z'],
    ['1 Jan 00 00:00:00 +0000', '2000-01-01T00:00:00Z'],
    ['1 Jan 99 00:00:00 +0000', '1999-01-01T00:00:00Z'],
    ['1 Jan 104 00:00:00 +0000', '2004-01-01T00:00:00Z'],
    ['Mon, 1 Jan 24 00:00:00 EST', '2024-01-01T05:00:00Z'],
    ['Thu, 10 Jul 1997 14:53:31 A', '1997-07-10T14:53:31Z'],
    ['Sun Nov 13 14:50:12 2005', '2005-11-13T14:50:12Z'],
    ['Sat, 30 Jun 2012 23:59:60 +0000', '2012-07-01T00:00:00Z'],
    // No zone is a day away, and none has 60 minutes: then it says nothing.
    ['1 Jan 2020 00:00:00 +2359', '2019-12-31T00:01:00Z'],
    ['1 Jan 2020 00:00:00 +2400', '2020-01-01T00:00:00Z'],
    ['1 Jan 2020 00:00:00 +0160', '2020-01-01T00:00:00Z'],
  ]
  for (const [text, iso] of cases)
    assert.equal(new Date(parseDate(text)!.epochMs).toISOString(), iso.replace('Z', '.000Z'), text)
  for (const text of ['', 'yesterday', '31 Feb 2020 00:00:00 +0000', 'Tue, 7 Bog 2026 19:14:51 +0000', '32 Jan 2020'])
    assert.equal(parseDate(text), undefined, text)
})

test('the day is the one that is written, whatever the zone', () => {
  assert.equal(parseDate('Thu, 1 Jan 1970 23:59:00 -1000')?.day, 0)
  assert.equal(parseDate('Thu, 1 Jan 1970 00:01:00 +1300')?.day, 0)
  assert.equal(parseDate('Thu, 1 Jan 1970 99:99:99 +1300')?.day, 0)
})

const offset = fc.integer({ min: -14 * 60, max: 14 * 60 })
const seconds = fc.integer({ min: -2_000_000_000, max: 200_000_000_000 })

test('parse after format changes nothing', () => {
  fc.assert(
    fc.property(seconds, offset, (at, offsetMinutes) => {
      const epochMs = at * 1000
      const date = parseDate(formatDate(epochMs, offsetMinutes))
      assert.deepEqual([date?.epochMs, date?.offsetMinutes], [epochMs, offsetMinutes])
      assert.deepEqual(parseInternalDate(formatInternalDate({ epochMs, offsetMinutes })), { epochMs, offsetMinutes })
      assert.equal(internalDay({ epochMs, offsetMinutes }), date?.day)
    }),
  )
})

test('an internal date has the width of the grammar, and is read strictly', () => {
  assert.equal(
    formatInternalDate({ epochMs: Date.UTC(1996, 6, 17, 9, 44, 25), offsetMinutes: -420 }),
    '17-Jul-1996 02:44:25 -0700',
  )
  assert.equal(formatInternalDate({ epochMs: 0, offsetMinutes: 0 }), ' 1-Jan-1970 00:00:00 +0000')
  assert.equal(parseInternalDate('17-Jul-1996 02:44:25 -0700')?.epochMs, Date.UTC(1996, 6, 17, 9, 44, 25))
  for (const text of [
    '1-Jul-1996 02:44:25 -0700',
    '31-Feb-1996 02:44:25 -0700',
    '17-Jul-1996 24:44:25 -0700',
    '17-Jul-1996',
  ])
    assert.equal(parseInternalDate(text), undefined, text)
})
