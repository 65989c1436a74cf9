/** Domains in browsers: what stands for tr46 there gives what tr46 gives. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'

interface Idna {
  toASCII(domain: string, options?: object): string | null
  toUnicode(domain: string, options?: object): { readonly domain: string; readonly error: boolean }
}
const rules = { checkBidi: true, checkHyphens: false, checkJoiners: true, useSTD3ASCIIRules: true }
const path = join(process.env['PENNYPOST_ROOT']!, 'scripts/browser/idna.mjs')

test('domains are mapped to A-labels and back as on Node', async () => {
  const ours = (await import(pathToFileURL(path).href)) as Idna
  const theirs = createRequire(import.meta.url)('tr46') as Idna
  for (const domain of [
    'bücher.example',
    'BÜCHER.Example',
    'faß.de',
    'βόλος.com',
    '例え.テスト',
    'مثال.إختبار',
    'пример.испытание',
    'ليهمابتكلموشعربي؟',
    'a‍b.example',
    'क्‍ष.example',
    '☃.example',
    '😀.example',
    'ü@example',
    'ü/x',
    'ü:25',
    'ü example',
    'ａｂｃ.ü.example',
    'ü。example',
    '­ü.example',
    '\u0300a.example',
    `${'ü'.repeat(70)}.example`,
  ]) {
    assert.equal(ours.toASCII(domain), theirs.toASCII(domain, rules), domain)
  }
  for (const domain of [
    'xn--bcher-kva.example',
    'xn--fa-hia.de',
    'xn--r8jz45g.xn--zckzah',
    'xn--mgbh0fb.xn--kgbechtv',
    'xn--e1afmkfd.xn--80akhbyknj4f',
    'xn--n3h.example',
    'plain.xn--bcher-kva.example',
    'xn--e28h.example',
    // Not sound: no digits, none at all, beyond Unicode, not what the mapping gives.
    'xn--.example',
    'xn--zz.example',
    'xn--a.example',
    'xn--99999999.example',
    'xn--BCHER-kva.example',
  ]) {
    const [mine, wanted] = [ours.toUnicode(domain), theirs.toUnicode(domain, rules)]
    assert.equal(mine.error, wanted.error, domain)
    if (!wanted.error) assert.equal(mine.domain, wanted.domain)
  }
})
