/** `pennypost/mail` in a browser: run in Chromium, beside Node on the same messages. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeTnef } from '../support/tnef-writer.ts'
import { sampleFacts } from './browser-mail.facts.ts'
import { run, without } from './programs.ts'

const root = process.env.PENNYPOST_ROOT!

/** The vectors, where they are, and what they lack. */
function messages(): Buffer[] {
  const tnef = writeTnef({ subject: 'x', files: [{ name: 'Bücher.pdf', content: Buffer.from('%PDF') }] }).toString(
    'base64',
  )
  const own = [
    'From: =?iso-8859-1?q?J=FCrgen?= <j@example.org>\r\nSubject: =?koi8-r?b?8NLJ18XU?= =?iso-2022-jp?b?GyRCRnxLXBsoQg==?=\r\n\r\nText\r\n',
    `Content-Type: application/ms-tnef\r\nContent-Transfer-Encoding: base64\r\n\r\n${tnef}\r\n`,
    'From: a@b\u00fccher.example, b@xn--bcher-kva.example, c@xn--fa-hia.example, d@xn--zz.example\r\nTo: e@\u4f8b\u3048.\u30c6\u30b9\u30c8\r\n\r\n',
    'Subject: x\r\n\r\nbegin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\n',
    'Content-Type: text/plain; charset=windows-1251\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=CF=F0=E8=E2=E5=F2\r\n',
    'Content-Type: text/plain; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n\r\nSABhAOQA\r\n',
  ].map((text) => Buffer.from(text))
  const folders = ['mime-cpython', 'mime-mime4j', 'mime-mime4j/mimetools'].map((name) =>
    join(root, '..', 'shared', 'vectors', name),
  )
  return [
    ...own,
    ...folders.filter(existsSync).flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => /\.(?:eml|msg)$/.test(name))
        .map((name) => readFileSync(join(folder, name)))
        .filter((bytes) => bytes.length < 50_000),
    ),
  ]
}

test('Chromium reads and composes what Node does', { skip: without('chromium') }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-browser-'))
  try {
    const script = join(folder, 'page.js')
    execFileSync(process.execPath, [
      join(root, 'scripts/browser/bundle.mjs'),
      'test/interop/browser-mail.page.ts',
      script,
    ])
    const all = messages()
    const data = JSON.stringify(all.map((bytes) => bytes.toString('base64')))
    const code = readFileSync(script, 'utf8').replaceAll('</script', '<\\/script')
    const page = join(folder, 'page.html')
    writeFileSync(
      page,
      `<!doctype html><meta charset=utf-8><pre id=facts></pre><script id=messages type=application/json>${data}</script><script type=module>${code}</script>`,
    )
    const flags =
      '--headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run --virtual-time-budget=60000'
    const { out } = await run('chromium', [
      ...flags.split(' '),
      `--user-data-dir=${folder}/profile`,
      '--dump-dom',
      `file://${page}`,
    ])
    const found = /<pre id="facts">([^<]*)<\/pre>/.exec(out)?.[1] ?? ''
    const theirs = found.split(' ').map((one) => Buffer.from(one, 'base64').toString())
    const ours = await sampleFacts(all)
    for (const [at, fact] of ours.entries()) assert.deepEqual(parsed(theirs[at]), parsed(fact), `message ${at}`)
    assert.equal(theirs.length, ours.length)
    t.diagnostic(`${all.length} messages, ${Math.round(code.length / 1024)} KiB of script`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

function parsed(text: string | undefined): unknown {
  if (text?.startsWith('fault:')) throw new Error(text)
  return text === undefined ? undefined : JSON.parse(text)
}
