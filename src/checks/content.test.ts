import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHeader } from '../mail/header.ts'
import { checkContent, checkedBodyBytesMax, type ContentAction, type ContentRule } from './content.ts'
import { parsePattern } from './pattern.ts'

function rule(where: 'header' | 'body', pattern: string, action: ContentAction = 'warn', text = ''): ContentRule {
  const read = parsePattern(pattern)
  assert.ok(read.kind === 'pattern', pattern)
  return { name: pattern, where, pattern: read.expression, action, text, of: 'all' }
}

const header = parseHeader(
  Buffer.from(
    'Subject: =?utf-8?q?A_lott=C3=A8ry?=\r\nX-Folded: one\r\n two\r\nX-Spam: yes\r\nX-Spam: no\r\nX-Long: ' +
      'y'.repeat(10_000) +
      'END\r\n\r\n',
  ),
)

async function fitted(where: 'header' | 'body', pattern: string, body = ''): Promise<boolean> {
  const verdict = await checkContent([rule(where, pattern)], header, async function* () {
    for (let at = 0; at < body.length; at += 7000) yield Buffer.from(body.slice(at, at + 7000), 'latin1')
  })
  return verdict.fitted.length > 0
}

test('fields are one line, matched with encoded words both raw and decoded', async () => {
  assert.ok(await fitted('header', '/^Subject: =\\?utf-8/'))
  assert.ok(await fitted('header', '/^subject: a lottèry$/i'))
  assert.ok(await fitted('header', '/^X-Folded: one two$/'))
  assert.ok(!(await fitted('header', '/^x-folded/')))
  assert.ok(!(await fitted('header', '/END/')))
})

test('bodies are lines, cut if too long, and only their beginning is checked', async () => {
  assert.ok(await fitted('body', '/^buy now$/i', 'hello\r\nBuy Now\r\n'))
  assert.ok(!(await fitted('body', '/^now/', 'hello\r\nBuy now\r\n')))
  assert.ok(await fitted('body', '/^z$/', `${'x'.repeat(30_000)}END\r\nz\r\n`))
  assert.ok(!(await fitted('body', '/END/', `${'x'.repeat(30_000)}END\r\nz\r\n`)))
  assert.ok(await fitted('body', '/here/', `${'x\r\n'.repeat(20_000)}here`))
  assert.ok(!(await fitted('body', '/here/', `${'x\r\n'.repeat(checkedBodyBytesMax / 3 + 1)}here`)))
})

test('the first matching rule counts for a field; all rules with a match apply', async () => {
  const rules = [
    rule('header', '/^X-Spam: yes/', 'junk'),
    rule('header', '/^X-Spam/', 'strip'),
    rule('header', '/^X-Folded/', 'prepend', 'X-Seen: 1'),
    rule('header', '/^X-Long/', 'hold'),
    rule('body', '/money/', 'reject', 'No money'),
    rule('body', '/m/', 'bcc', 'a@b.example'),
    rule('body', '/o/', 'redirect', 'c@b.example'),
  ]
  const verdict = await checkContent(rules, header, async function* () {
    yield Buffer.from('money')
  })
  assert.equal(verdict.junk, true)
  assert.equal(verdict.hold, true)
  assert.deepEqual(
    verdict.strip.map((field) => header.value(field)),
    ['no'],
  )
  assert.deepEqual(verdict.prepend, ['X-Seen: 1'])
  assert.deepEqual(verdict.reject, { rule: '/money/', words: 'No money' })
  assert.deepEqual([verdict.copies, verdict.redirect], [['a@b.example'], 'c@b.example'])
})

test('a header too long to check is refused', async () => {
  const text = (fields: number): Buffer => Buffer.from(`${`X-Filler: ${'x'.repeat(900)}\r\n`.repeat(fields)}\r\n`)
  for (const [fields, refused] of [
    [140, false],
    [150, true],
  ] as const) {
    const verdict = await checkContent([rule('header', '/lottery/')], parseHeader(text(fields)), () =>
      assert.fail('read'),
    )
    assert.equal(verdict.reject !== undefined, refused, `${fields} fields`)
  }
  // Without header rules its length does not matter.
  assert.equal(
    (await checkContent([rule('body', '/x/')], parseHeader(text(150)), async function* () {})).reject,
    undefined,
  )
})

test('the body is not read without body rules', async () => {
  await checkContent([rule('header', '/x/')], header, () => assert.fail('read'))
})

test('patterns are between slashes; those without bounded time are refused', () => {
  for (const good of [
    '/a+b*/',
    '/(?:ab)+/i',
    '/[(a+)+]+/',
    '/\\(a+\\)+/',
    '/(a+)+/',
    '/(a|b)*c/',
    '/a{2}/',
    '/\\bwin\\s+\\d/',
  ])
    assert.equal(parsePattern(good).kind, 'pattern', good)
  for (const bad of ['a', '//', '/a/g', '/(/', '/[/', '/(?=a)b/', '/(?<!a)b/', '/(a)\\1/', `/${'a'.repeat(3000)}/`])
    assert.equal(parsePattern(bad).kind, 'fault', bad)
})

test('both engines agree on a pattern', () => {
  const says = (pattern: string, text: string): boolean => {
    const read = parsePattern(pattern)
    return read.kind === 'pattern' && read.expression.test(text)
  }
  const texts = [
    '',
    'ab',
    'a\nb',
    'xab\nab',
    'AB',
    'a.b',
    'a-b',
    'caf\xe9',
    '\xc9',
    'aXb',
    '12',
    ' a',
    'a]b',
    'a|b',
    '^a$',
  ]
  const sources = [
    'ab',
    '^ab',
    'ab$',
    '^ab$',
    'a.b',
    '^a.*b$',
    'a|b',
    '[^a]b',
    '[a\\]]b',
    '\\.',
    'a\\|b',
    '\\d\\d',
    '\\sa',
    '\\Bb',
    '\\^a',
    '(ab)',
    '(a|x)b',
    'a+b',
    'a?X',
    '\xe9',
    '^$',
    '[^]b',
  ]
  for (const source of sources)
    for (const flags of ['', 'i'])
      for (const text of texts)
        assert.equal(
          says(`/${source}/${flags}`, text),
          new RegExp(source, `m${flags}`).test(text),
          `${source} ${flags} ${text}`,
        )
})

test('`$` matches in a body with any line ends', async () => {
  const verdict = await checkContent([rule('body', '/a+ here$/')], header, async function* () {
    yield Buffer.from('x\r\naa here\r\ny')
  })
  assert.deepEqual(verdict.fitted.length, 1)
})
