// Asks a Chromium what each sequence of bytes means in the East Asian charsets of the Encoding Standard, and writes digests of its answers
// for test/charsets/chromium.test.ts:  node scripts/charset-oracle.mjs [path of chromium]
// The same Chromium gives the same file. Its answers are digested by first byte, so that a difference names the row it is in.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const program = process.argv[2] ?? '/usr/bin/chromium'
const labels = ['euc-kr', 'big5', 'shift_jis', 'euc-jp', 'gbk', 'gb18030', 'iso-2022-jp']

/** Every sequence that is asked for, in order; written out in the test as well. */
function* sequences(label) {
  if (label === 'iso-2022-jp') {
    for (const [set, size] of [
      ['$B', 2],
      ['$@', 2],
      ['(J', 1],
      ['(I', 1],
      ['(B', 1],
    ])
      for (let one = 0x21; one <= 0x7e; one += 1)
        for (let two = 0x21; two <= (size === 2 ? 0x7e : 0x21); two += 1)
          yield [0x1b, set.charCodeAt(0), set.charCodeAt(1), one, ...(size === 2 ? [two] : [])]
    return
  }
  for (let one = 0; one < 256; one += 1) yield [one]
  for (let one = 0x80; one < 256; one += 1) for (let two = 0; two < 256; two += 1) yield [one, two]
  if (label === 'euc-jp')
    for (let two = 0x80; two < 256; two += 1) for (let three = 0x80; three < 256; three += 1) yield [0x8f, two, three]
  if (label === 'gb18030')
    for (let one = 0x81; one < 0xff; one += 1)
      for (let two = 0x30; two <= 0x39; two += 1)
        for (let three = 0x81; three < 0xff; three += 1)
          for (let four = 0x30; four <= 0x39; four += 1) yield [one, two, three, four]
}

/** Chromium makes half a surrogate of the mark of these four; Encoding Standard §12.3.1 has a letter and a mark. */
const corrected = new Map([
  ['big5 8862', '\u00ca\u0304'],
  ['big5 8864', '\u00ca\u030c'],
  ['big5 88a3', '\u00ea\u0304'],
  ['big5 88a5', '\u00ea\u030c'],
])

const page = `<!doctype html><meta charset=utf-8><pre></pre><script>
${sequences}
const answers = {}
for (const label of ${JSON.stringify(labels)}) {
  const units = []
  for (const bytes of sequences(label)) {
    const text = new TextDecoder(label, { ignoreBOM: true }).decode(Uint8Array.from(bytes))
    units.push(text.length)
    for (let at = 0; at < text.length; at += 1) units.push(text.charCodeAt(at))
  }
  const bytes = new Uint8Array(Uint16Array.from(units).buffer)
  let binary = ''
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192))
  answers[label] = btoa(binary)
}
document.querySelector('pre').textContent = JSON.stringify(answers)
</script>`

const folder = mkdtempSync(join(tmpdir(), 'pennypost-charsets-'))
writeFileSync(join(folder, 'page.html'), page)
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking']
const run = spawnSync(
  program,
  [...flags, `--user-data-dir=${folder}/profile`, '--dump-dom', `file://${folder}/page.html`],
  { encoding: 'utf8', maxBuffer: 1 << 28 },
)
rmSync(folder, { recursive: true, force: true })
const answers = JSON.parse(/<pre>(.*?)<\/pre>/s.exec(run.stdout)[1])
const version = spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout.split(' ').slice(0, 2).join(' ')

const digests = {}
for (const label of labels) {
  const bytes = Buffer.from(answers[label], 'base64')
  const units = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)
  const rows = new Map()
  let at = 0
  for (const sequence of sequences(label)) {
    const length = units[at]
    const hex = Buffer.from(sequence).toString('hex')
    const text = corrected.get(`${label} ${hex}`) ?? String.fromCharCode(...units.subarray(at + 1, at + 1 + length))
    at += 1 + length
    const row = hex.slice(0, label === 'iso-2022-jp' ? 6 : 2)
    if (!rows.has(row)) rows.set(row, createHash('sha256'))
    rows.get(row).update(Buffer.from(`${text}\n`, 'utf16le'))
  }
  digests[label] = Object.fromEntries([...rows].map(([row, hash]) => [row, hash.digest('hex').slice(0, 12)]))
}
const out = join(dirname(fileURLToPath(import.meta.url)), '..', 'test', 'charsets', 'chromium.json')
writeFileSync(out, `${JSON.stringify({ made: `scripts/charset-oracle.mjs, ${version}`, digests }, null, 2)}\n`)
