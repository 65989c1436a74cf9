import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeEntities, htmlToText } from './html-text.ts'

test('a head may be left open, come twice, or hold text', () => {
  for (const html of [
    '<html><head><title>Order</title><meta charset=utf-8><body><p>Shipped',
    '<head><style>p{}</style><head><p>Shipped',
    '<title>x</title><div>Shipped</div>',
    '<head>Shipped',
  ])
    assert.equal(htmlToText(html), 'Shipped', html)
})

test('comments are none in raw text, and raw text ends at its own tag alone', () => {
  assert.equal(htmlToText('<style><!-- p {} </style>one<script>a<!--b</script>two'), 'onetwo')
  assert.equal(htmlToText('<script>if (a</b) "</p>"</script>text'), 'text')
  assert.equal(htmlToText('<title>a <b> c</title>d<xmp><b>e</xmp>'), 'd\n<b>e')
  assert.equal(htmlToText('a<!-- b > <p>c -- ><i>d-->e<!-->f<!--->g<!-- h --!>i'), 'aefgi')
})

test('what begins with <! or <? is a comment; a > in quotes ends no tag; a bare < is text', () => {
  assert.equal(
    htmlToText(
      '<?xml version="1.0"?><![if !mso]><p>a</p><![endif]><p><![if !supportLists]>- <![endif]>item<!DOCTYPE x>',
    ),
    'a\n- item',
  )
  assert.equal(htmlToText('<a title="a > b" href=\'x>y\'>link</a> <img alt=">">end'), 'link end')
  assert.equal(htmlToText('1 < 2, <3 </ x> b'), '1 < 2, <3 b')
})

test('character references: all names, without semicolons, numbers of windows-1252', () => {
  assert.equal(
    htmlToText(
      'Miku&scaron;&zcaron;e &rarr; &AMP; &eacutex &nbspx &check;&CounterClockwiseContourIntegral; &notanyname;',
    ),
    'Mikušže → & éx x ✓∳ ¬anyname;',
  )
  assert.equal(htmlToText('It&#146;s &#x93;new&#148; &#128; &#0;&#xd800;&#x110000;'), 'It’s “new” € ���')
  assert.equal(decodeEntities('&Ccaron;&#150;&amp;amp; &rlm;x'), 'Č–&amp; \u200fx')
  assert.equal(htmlToText('a&shy;b&zwnj;&nbsp;&#847;&nbsp;&zwnj;c'), 'ab c')
})

test('a pre keeps its lines and spaces, also its empty ones', () => {
  assert.equal(
    htmlToText('<p>see</p><pre>\nint  main()\r\n{\r\n  <b>return</b>  0;\n\n}</pre><p>a\n  b</p>'),
    'see\nint  main()\n{\n  return  0;\n\n}\na b',
  )
})

test('drawings and formulas are hidden, nested ones too, and end where a paragraph begins', () => {
  assert.equal(htmlToText('a<svg><title>t</title><svg>x</svg>y</svg>b<svg/>c<math><mi>x</mi></math>d'), 'abcd')
  assert.equal(htmlToText('<svg><circle>x<p>text'), 'text')
  assert.equal(htmlToText('<noscript>x</noscript><iframe><p></iframe>a<object><object>b</object>c</object>d'), 'ad')
})

test('a preview takes the beginning alone, and the same as all of it', () => {
  const html = `<p>${'word &amp; '.repeat(5_000)}</p>${'<p>x</p>'.repeat(100_000)}`
  const short = htmlToText(html, 300)
  assert.ok(short.length >= 300 && short.length < 20_000)
  assert.ok(htmlToText(html).startsWith(short.trimEnd()))
  assert.equal(htmlToText(`${'<tr><td>'.repeat(2_000)}text`, 100), 'text')
})

test('no text is a fault, however deep it nests; text that was escaped comes back', () => {
  const unit = fc.constantFrom(
    ...'<>/!-&;#x"\' =a\n',
    '<p>',
    '</pre>',
    '<pre>',
    '<svg>',
    '<style>',
    '</style>',
    '<!--',
    '-->',
    '&amp',
    ']]>',
  )
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 40 }), (pieces) => {
      assert.doesNotMatch(htmlToText(pieces.join('')), /[\r\f]/)
    }),
    { numRuns: 2_000 },
  )
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'<>&"a;#é'), minLength: 1 }), (text) => {
      const escaped = text.replace(/[<>&"]/g, (char) => `&#${char.charCodeAt(0)};`)
      assert.equal(htmlToText(`<div>${escaped}</div>`), text)
    }),
  )
  for (const open of ['<b>', '<div>', '<svg>', '<pre>', '<object>', '<table><tr><td>'])
    assert.equal(
      htmlToText(`${open.repeat(200_000)}x`).trim(),
      open === '<svg>' || open === '<object>' ? '' : 'x',
      open,
    )
})
