import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fileName, parseContentDisposition } from './content-disposition.ts'
import { parseContentType } from './content-type.ts'
import { parameterText } from './parameters.ts'

test('types and parameters are read past comments, folds and missing quotes', () => {
  const type = parseContentType('(a) Text / (b) HTML; Charset = "UTF-8" (c);\r\n name=my report.pdf; x')
  assert.deepEqual([type?.type, type?.subtype], ['text', 'html'])
  assert.equal(parameterText(type!.parameters, 'charset'), 'UTF-8')
  assert.equal(parameterText(type!.parameters, 'name'), 'my report.pdf')
  for (const value of ['', 'text', '/plain', 'text/', ';a=b', ' / '])
    assert.equal(parseContentType(value), undefined, value)
})

function name(disposition: string): string | undefined {
  return fileName(parseContentType('a/b; name=old')!, parseContentDisposition(disposition))
}

test('file names: the extended form wins, encoded words are understood', () => {
  assert.equal(name("attachment; filename=plain; filename*=utf-8''caf%C3%A9"), 'café')
  assert.equal(name('attachment; filename="=?utf-8?Q?caf=C3=A9?="'), 'café')
  assert.equal(name('inline'), 'old')
  assert.equal(parseContentDisposition('filename=x')?.type, 'attachment')
})

test('pieces of a parameter, of which a later one alone is encoded, say that no charset is named. RFC 2231 §4.1', () => {
  const [parameter] = parseContentDisposition('attachment; filename*0=a; filename*1*=%20b')!.parameters
  assert.deepEqual(parameter, { name: 'filename', value: "''a%20b", extended: true })
  assert.equal(name('attachment; filename*0=a; filename*1*=%20b'), 'a b')
  // What stood as it was is encoded now: a percent sign and two quotes of its own stay such.
  assert.equal(name(`attachment; filename*0="50%''"; filename*1*=%20b`), "50%'' b")
  assert.equal(name("attachment; filename*0*=iso-8859-1'de'%E4; filename*1=%41"), 'ä%41')
  assert.equal(name('attachment; filename*0=a; filename*1=b; filename*3=d'), 'ab')
})

test('no text crashes the reader, and a megabyte takes no time', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...`a/;="*0'%() \\\r\n`) }), (text) => {
      const type = parseContentType(`a/b${text}`)
      for (const one of type?.parameters ?? []) parameterText(type!.parameters, one.name)
    }),
  )
  for (const unit of [';', ';a=b', ';a*0=b', '(', '"', 'a ', ' a=', '=', "';a*="]) {
    parseContentType(`a/b;${unit.repeat(1_000_000 / unit.length)}`)
  }
})
