/** The package as another program meets it: packed, installed, compiled against, bundled, required, and opened in a browser. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { decodeHTML } from 'entities/decode'
import { referenceNames } from '../support/reference-names.ts'
import { compilers, startConsumer, type Consumer } from './package-consumer.ts'
import { mailProgram, requireProgram, smtpProgram, systemProgram } from './package-programs.ts'
import { without } from './programs.ts'

const root = process.env['PENNYPOST_ROOT']!
let consumer: Consumer

before(async () => {
  consumer = await startConsumer()
})
after(() => consumer?.remove())

/** Every flag that makes a compiler stricter, or looks into declarations. */
const strict = {
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noFallthroughCasesInSwitch: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  noUncheckedSideEffectImports: true,
  allowUnreachableCode: false,
  allowUnusedLabels: false,
  isolatedModules: true,
  verbatimModuleSyntax: true,
  erasableSyntaxOnly: true,
  declaration: true,
  isolatedDeclarations: true,
  forceConsistentCasingInFileNames: true,
  noEmit: true,
}

const resolutions = {
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
}

/** What compilers say of a project; nothing, if all is well. `skipLibCheck` is off unless `options` have it: the stricter way. */
async function compile(name: string, files: Readonly<Record<string, string>>, options: object): Promise<string[]> {
  for (const [file, text] of Object.entries(files)) consumer.write(`${name}/${file}`, text)
  const said = Object.keys(compilers).map(async (compiler) => {
    const compilerOptions = { ...strict, target: 'es2022', skipLibCheck: false, ...options }
    const project = `${name}/${compiler}.json`
    consumer.write(project, JSON.stringify({ compilerOptions, files: Object.keys(files) }))
    const { out, err } = await consumer.run(process.execPath, [`node_modules/${compiler}/bin/tsc`, '-p', project])
    return out + err === '' ? [] : [`${project}: ${out}${err}`]
  })
  return (await Promise.all(said)).flat()
}

for (const [resolution, options] of Object.entries(resolutions))
  for (const skipLibCheck of [false, true])
    test(`TypeScript 5.9 and 7, every strict flag: ${resolution}, skipLibCheck ${skipLibCheck}`, async () => {
      const files = { 'mail.ts': mailProgram, 'smtp.ts': smtpProgram, 'system.ts': systemProgram }
      const all = { ...options, skipLibCheck, lib: ['es2022', 'esnext.disposable'], types: ['node'] }
      assert.deepEqual(await compile(`${resolution}-${skipLibCheck}`, files, all), [])
    })

test('the declarations need no @types/node, no DOM and no newer lib', async () => {
  const smtp = smtpProgram.replace('await using', 'const')
  const files = { 'mail.ts': mailProgram, 'smtp.ts': smtp, 'system.ts': systemProgram }
  assert.deepEqual(await compile('bare', files, { ...resolutions.nodenext, lib: ['es2020'], types: [] }), [])
})

test('a page of a browser compiles against pennypost/mail without @types/node', async () => {
  const page = `${mailProgram}\nexport const sent: Promise<Uint8Array> = compose(new Blob([]).stream())\n`
  const options = { ...resolutions.bundler, lib: ['es2022', 'dom', 'dom.asynciterable'], types: [] }
  assert.deepEqual(await compile('page', { 'page.ts': page }, options), [])
})

test('TypeScript takes `import … = require(…)` in a CommonJS file', async () => {
  // `import … = require(…)` is not erasable, and `export =` has no type that a declaration could be made of without inference.
  const off = { erasableSyntaxOnly: false, declaration: false, isolatedDeclarations: false }
  const options = { ...resolutions.nodenext, ...off, lib: ['es2022'], types: ['node'] }
  assert.deepEqual(await compile('commonjs', { 'a.cts': requireProgram }, options), [])
})

test('a wrong use is told by the declarations: they are not empty', async () => {
  const wrong = `import { readMessage } from 'pennypost/mail'\nexport const subject: number = readMessage(Uint8Array.of(65)).subject\n`
  const said = await compile('wrong', { 'a.ts': wrong }, { ...resolutions.nodenext, types: [] })
  assert.equal(said.length, 2)
  for (const text of said) assert.match(text, /a\.ts\(2,14\): error TS2322/)
})

test('the tarball has programs and declarations, no tests and no sources', () => {
  const { tarball } = consumer
  assert.deepEqual(
    tarball.filter((path) => /\.test\.|(?<!\.d)\.ts$|^(?:src|test|scripts|bench|tools)\//.test(path)),
    [],
  )
  for (const path of [
    'bin/pennypost.js',
    'dist/main.js',
    'dist/library/mail/index.d.ts',
    'packaging/pennypost.service',
    'LICENSE',
  ])
    assert.ok(tarball.includes(path), path)
})

test('what the pages of the package link to is in it', () => {
  const there = new Set(consumer.tarball)
  const pages = consumer.tarball.filter((path) => path.endsWith('.md'))
  assert.ok(pages.length > 10)
  const broken = pages.flatMap((page) => {
    const text = readFileSync(join(consumer.folder, 'node_modules/pennypost', page), 'utf8')
    return [...text.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)]
      .map(([, link]) => posix.normalize(posix.join(dirname(page), link!)))
      .filter((target) => !there.has(target))
      .map((target) => `${page}: ${target}`)
  })
  assert.deepEqual(broken, [])
})

test('what package.json exports is in the tarball, and nothing else can be imported', async () => {
  const facts = JSON.parse(readFileSync(join(consumer.folder, 'node_modules/pennypost/package.json'), 'utf8')) as {
    exports: Record<string, string | Record<string, string>>
  }
  for (const target of Object.values(facts.exports))
    for (const path of typeof target === 'string' ? [target] : Object.values(target))
      assert.ok(existsSync(join(consumer.folder, 'node_modules/pennypost', path)), path)
  for (const name of ['imap', 'pop3', 'store', 'dist/main.js']) {
    const { err } = await consumer.run(process.execPath, ['-e', `import('pennypost/${name}')`])
    assert.match(err, /ERR_PACKAGE_PATH_NOT_EXPORTED/, name)
  }
})

/** Reads, sends, receives; says nothing else. */
const use = `
const server = new SmtpServer({ onMessage: async (message) => console.log((await message.parse()).subject) })
const { port } = await server.listen(0)
const over = { host: '127.0.0.1', port, tls: 'none' }
await sendMail(over, { from: 'a@example.org', to: 'b@example.org', subject: readMessage('Subject: Gr\\u00fc\\u00dfe\\n\\n').subject })
await server.close()
`
const names = '{ readMessage }|{ sendMail, SmtpServer }'.split('|')

/** @param version of Node. */
function nodeOf(version: string): string {
  return execFileSync(process.execPath, [join(root, 'scripts/nodes.mjs'), version], { encoding: 'utf8' }).trim()
}

for (const version of ['20.19.0', '24'])
  test(`import and require run on Node ${version}, and end by themselves`, async () => {
    consumer.write(
      'use.mjs',
      `import ${names[0]} from 'pennypost/mail'\nimport ${names[1]} from 'pennypost/smtp'\n${use}`,
    )
    const required = `const ${names[0]} = require('pennypost/mail')\nconst ${names[1]} = require('pennypost/smtp')\n`
    consumer.write('use.cjs', `${required}void (async () => {${use}})()\n`)
    for (const file of ['use.mjs', 'use.cjs'])
      assert.deepEqual(await consumer.run('node', [file], nodeOf(version)), {
        code: 0,
        out: 'Gr\u00fc\u00dfe\n',
        err: '',
      })
  })

test('createSystem runs on Node 24 without a word, and on a Node without SQLite says what it needs', async () => {
  consumer.write(
    'system.mjs',
    `import { createSystem } from 'pennypost'
import { sendMail } from 'pennypost/smtp'
import { rmSync } from 'node:fs'
for (const data of [':memory:', 'system-data']) {
  const system = await createSystem({ data }, { accounts: { 'a@example.org': 'correct horse' } })
  const over = { host: '127.0.0.1', port: system.port('smtp'), tls: 'none' }
  await sendMail(over, { from: 'b@example.net', to: 'a@example.org', subject: data })
  const [stored] = await system.messages('a@example.org')
  console.log((await stored.parse()).subject)
  await system.stop()
}
rmSync('system-data', { recursive: true })
`,
  )
  const ran = await consumer.run('node', ['system.mjs'], nodeOf('24'))
  assert.deepEqual(ran, { code: 0, out: ':memory:\nsystem-data\n', err: '' })
  const { code, err } = await consumer.run('node', ['system.mjs'], nodeOf('20.19.0'))
  assert.equal(code, 1)
  assert.match(err, /Error: Node 20\.19\.0 has no SQLite of its own: take Node 22\.13 or newer, or install the package/)
})

/** @returns what esbuild said. */
async function bundle(entry: string, platform: string, flags: readonly string[] = []): Promise<string> {
  const args = [entry, '--bundle', '--minify', '--format=esm', `--platform=${platform}`, `--outfile=out/${entry}`]
  const { out, err } = await consumer.run('node_modules/.bin/esbuild', [...args, '--log-level=info', ...flags])
  return /warning|error/i.test(out + err) ? out + err : ''
}

test('esbuild bundles both libraries for Node without a warning, and the bundle runs', async () => {
  consumer.write(
    'bundled.mjs',
    `import ${names[0]} from 'pennypost/mail'\nimport ${names[1]} from 'pennypost/smtp'\n${use}`,
  )
  // Packages in CommonJS ask for `require`: that is esbuild's own, in a bundle that is ESM.
  const banner =
    "--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
  assert.equal(await bundle('bundled.mjs', 'node', [banner]), '')
  assert.deepEqual(await consumer.run('node', ['out/bundled.mjs']), { code: 0, out: 'Gr\u00fc\u00dfe\n', err: '' })
})

test(
  'a page in Chromium reads and composes with what esbuild bundles for browsers',
  { skip: without('chromium') },
  async () => {
    const references = referenceNames()
      .map((name) => `&${name};a&${name}b`)
      .join(' ')
    const page = `
import { composeMessage, decodeEntities, readMessage, readStream } from 'pennypost/mail'
const draft = { from: 'J\u00fcrgen <j@b\u00fccher.example>', to: 'b@example.org', subject: 'Gr\u00fc\u00dfe', html: '<p>Hi <b>you</b>' }
const bytes = await composeMessage({ ...draft, attachments: [{ name: 'a.bin', content: Uint8Array.of(1, 2) }] }).bytes()
const message = readMessage(bytes.buffer)
const kinds = []
for await (const { kind } of readStream(new Blob([bytes]).stream())) kinds.push(kind)
const facts = [message.subject, message.people('from')[0], message.plainText, message.files[0].name, [...message.files[0].content()], kinds.length,
  decodeEntities(${JSON.stringify(references)}) === ${JSON.stringify(decodeHTML(references))}]
document.body.textContent = JSON.stringify(facts)
`
    consumer.write('page.mjs', page)
    assert.equal(await bundle('page.mjs', 'browser'), '')
    const script = readFileSync(join(consumer.folder, 'out/page.mjs'), 'utf8').replaceAll('</script', '<\\/script')
    assert.doesNotMatch(script, /\bnode:/)
    consumer.write('page.html', `<!doctype html><meta charset=utf-8><body><script type=module>${script}</script>`)
    const flags = '--headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run'
    const url = `file://${join(consumer.folder, 'page.html')}`
    const profile = `--user-data-dir=${join(consumer.folder, 'profile')}`
    const args = [...flags.split(' '), '--virtual-time-budget=20000', profile, '--dump-dom', url]
    const { out } = await consumer.run('chromium', args)
    const facts: unknown = JSON.parse(/(\[".*\])<\/body>/s.exec(out)?.[1] ?? `"${out.slice(0, 200)}"`)
    const from = { name: 'J\u00fcrgen', address: 'j@xn--bcher-kva.example' }
    assert.deepEqual(facts, ['Gr\u00fc\u00dfe', from, 'Hi you', 'a.bin', [1, 2], 8, true])
  },
)

test('a browser gets as much as docs/library/mail.md says, and 30 KB at most for reading', async () => {
  const docs = readFileSync(join(root, 'docs/library/mail.md'), 'utf8')
  const rows = [...docs.matchAll(/^\| (`\w+`(?: and `\w+`)?|all of it) +\| (\d+) KB +\|$/gm)]
  assert.ok(rows.length >= 5)
  for (const [, what, stated] of rows) {
    const used = what === 'all of it' ? '*' : `{ ${what!.replaceAll('`', '').replace(' and ', ', ')} }`
    consumer.write('size.mjs', `export ${used} from 'pennypost/mail'\n`)
    assert.equal(await bundle('size.mjs', 'browser'), '')
    const bytes = gzipSync(readFileSync(join(consumer.folder, 'out/size.mjs')), { level: 9 }).length
    assert.ok(Math.abs(bytes - Number(stated) * 1000) <= 1000, `${what}: ${bytes} bytes`)
    if (what === '`readMessage`') assert.ok(bytes <= 30_000, `${bytes} bytes`)
    if (what === '`readStream`') assert.ok(bytes <= 15_000, `${bytes} bytes`)
  }
})

test('packages that are loaded late are part of the package', async () => {
  consumer.write(
    'late.mjs',
    `import { composeMessage, readMessage } from 'pennypost/mail'
const bytes = Buffer.from('Content-Type: text/plain; charset=cp437\\r\\n\\r\\n\\x81', 'latin1')
const options = { nowMs: 0, hostname: 'example.org', unique: () => 'abcdefgh' }
const compose = async () => Buffer.from(await composeMessage({ from: 'a@b\u00fccher.example', text: 'x' }, options).bytes()).toString()
compose().then((written) => console.log(readMessage(bytes).plainText, /^From: .*$/m.exec(written)[0]))`,
  )
  const { out, err } = await consumer.run(process.execPath, ['late.mjs'])
  assert.equal(err, '')
  assert.equal(out, '\u00fc From: a@xn--bcher-kva.example\n')
  // Bundled into a program in CommonJS, where import.meta.url is gone.
  assert.equal(await bundle('late.mjs', 'node', ['--format=cjs', '--outfile=out/late.cjs']), '')
  assert.deepEqual(await consumer.run(process.execPath, ['out/late.cjs']), { code: 0, out, err: '' })
  // The others are loaded by the same words, which the build has to understand.
  const loads = consumer.tarball
    .filter((path) => /^dist\/(?!browser\/).*\.js$/.test(path))
    .flatMap((path) => {
      const text = readFileSync(join(consumer.folder, 'node_modules/pennypost', path), 'utf8')
      return [...text.matchAll(/import\.meta\.url\)\(["']([^"']+)["']\)/g)].map(([, name]) => name!)
    })
  assert.deepEqual(loads, [])
})

test('the licences of the packages that are built in are in the tarball', () => {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>
  }
  const text = readFileSync(join(consumer.folder, 'node_modules/pennypost/dist/THIRD-PARTY-LICENSES.txt'), 'utf8')
  const named = [...text.matchAll(/^(\S+) ([\d.]+) \(\S+\)$/gm)].map(([, name, version]) => [name!, version!])
  assert.ok(named.length > 20)
  for (const name of ['iconv-lite', 'tldts', 'jose', 'htmlparser2', '@peculiar/x509', 'commander'])
    assert.ok(
      named.some(([one, version]) => one === name && version === devDependencies[name]),
      name,
    )
})

test('an installation is as large as the README says', (t) => {
  const { bytes, packages } = consumer.installed
  const [, statedPackages, megabytes] = /(\d+) packages, (\d+) MB/.exec(readFileSync(join(root, 'README.md'), 'utf8'))!
  t.diagnostic(`${packages} packages, ${bytes} bytes`)
  assert.equal(packages, Number(statedPackages))
  assert.ok(bytes <= Number(megabytes) * 1e6 && bytes > (Number(megabytes) - 2) * 1e6, `${bytes} bytes`)
})
