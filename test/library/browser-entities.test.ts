/** Character references in browsers: what stands for `entities/decode` there gives what that gives, with a document and, as far as it goes, without. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import * as theirs from 'entities/decode'
import fc from 'fast-check'
import { referenceNames } from '../support/reference-names.ts'

interface Decoder {
  startEntity(mode: number): void
  write(input: string, offset: number): number
  end(): number
}
interface Stand {
  decodeHTML(text: string): string
  readonly EntityDecoder: new (tree: unknown, emit: (code: number, length: number) => void) => Decoder
  readonly DecodingMode: { readonly Legacy: number; readonly Strict: number; readonly Attribute: number }
}
let ours: Stand

const world = globalThis as { document?: unknown }
/** A document as the stand asks it: an element whose text is what its HTML says. */
const document = {
  createElement: () => ({
    textContent: '',
    set innerHTML(html: string) {
      this.textContent = theirs.decodeHTML(html)
    },
  }),
}

before(async () => {
  world.document = document
  const path = join(process.env['PENNYPOST_ROOT']!, 'scripts/browser/entities.mjs')
  ours = (await import(pathToFileURL(path).href)) as Stand
})
after(() => {
  delete world.document
})

test('every reference of HTML, with its semicolon and without, alone and before other letters', () => {
  const names = referenceNames()
  assert.ok(names.length > 2100, `${names.length}`)
  for (const name of names) {
    for (const text of [`a&${name};b`, `a&${name}`, `&${name}x;`, `&${name}1 &${name}=&${name};&${name};`])
      assert.equal(ours.decodeHTML(text), theirs.decodeHTML(text), text)
  }
})

const hostile = fc.string({ unit: fc.constantFrom(...'&;#xX0189aAgtlmpnoquisrc =<é'), maxLength: 60 })

test('any text, numbers that are no characters among it', () => {
  fc.assert(
    fc.property(hostile, (text) => assert.equal(ours.decodeHTML(text), theirs.decodeHTML(text))),
    { numRuns: 3000 },
  )
  for (const text of [
    '&#0;',
    '&#x80;',
    '&#x81',
    '&#xD800;',
    '&#x110000;',
    '&#99999999999999999999999999999999999999999;',
    '&#',
    '&#x',
    '&',
  ])
    assert.equal(ours.decodeHTML(text), theirs.decodeHTML(text), text)
})

test('a decoder that is fed in pieces emits the same as one that is fed at once', () => {
  type Class = Stand['EntityDecoder']
  const run = (decoder: Class, text: string, cut: number, mode: number): unknown => {
    const emitted: [number, number][] = []
    const one = new decoder(theirs.htmlDecodeTree, (code, length) => emitted.push([code, length]))
    one.startEntity(mode)
    let result = one.write(text.slice(0, cut), 0)
    if (result < 0) result = one.write(text, cut)
    if (result < 0) result = one.end()
    return [result, emitted]
  }
  const { Legacy, Strict, Attribute } = ours.DecodingMode
  fc.assert(
    fc.property(hostile, fc.nat(20), fc.constantFrom(Legacy, Strict, Attribute), (text, cut, mode) => {
      if (text === '') return
      const at = Math.min(cut, text.length)
      const own = run(ours.EntityDecoder, text, at, mode)
      assert.deepEqual(own, run(ours.EntityDecoder, text, text.length, mode), text)
      assert.deepEqual(own, run(theirs.EntityDecoder as unknown as Class, text, text.length, mode), text)
    }),
    { numRuns: 3000 },
  )
})

test('without a document, or with one that may not be asked, the usual references are known and others stay text', async () => {
  const path = pathToFileURL(join(process.env['PENNYPOST_ROOT']!, 'scripts/browser/entities.mjs')).href
  const forbidden = {
    createElement: () => ({
      set innerHTML(_: string) {
        throw new TypeError('This document requires TrustedHTML')
      },
    }),
  }
  for (const [i, given] of [undefined, forbidden].entries()) {
    world.document = given
    const { decodeHTML } = (await import(`${path}?${i}`)) as Stand
    for (const text of [
      '&amp;&lt;&gt;&quot;&nbsp;&eacute;&Uuml&ndash;&hellip;&rsquo;&#8364;&#x80;',
      '&ampx &notit; &ltd',
      '&copy2026',
      '&ndash',
    ])
      assert.equal(decodeHTML(text), theirs.decodeHTML(text), text)
    assert.equal(decodeHTML('&NotSquareSuperset; &nosuch;'), '&NotSquareSuperset; &nosuch;')
  }
  world.document = document
})
