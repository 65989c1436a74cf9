/** The package as another program meets it: packed, installed, compiled against, bundled, required, and opened in a browser. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { after, before, test } from 'node:test'
import { compilers, startConsumer, type Consumer } from './package-consumer.ts'

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

const mailProgram = `
import { composeMessage, readMessage, readStream, walkParts, type ReadMessage } from 'pennypost/mail'
export const message: ReadMessage = readMessage(Uint8Array.of(65))
export const names: readonly string[] = message.files.map((file) => file.name ?? '')
export const kinds: readonly string[] = [...walkParts(message.root)].map((part) => part.kind)
export async function compose(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  for await (const event of readStream(source)) if (event.kind === 'body') event.bytes.fill(0)
  const options = { nowMs: 0, hostname: 'example.org', unique: (): string => 'abcdefgh' }
  return composeMessage({ from: 'a@example.org', attachments: [{ content: source, name: 'a.bin' }] }, options).bytes()
}
`
const smtpProgram = `
import { isTemporary, sendMail, SmtpPool, SmtpServer, type SendReport, type SmtpServerSettings } from 'pennypost/smtp'
const settings: SmtpServerSettings<string> = {
  onPassword: ({ username }) => username,
  onMessage: async (message) => void (await message.parse()).subject,
}
export const server: SmtpServer<string> = new SmtpServer(settings)
export async function send(): Promise<SendReport | boolean> {
  await using pool = new SmtpPool({ host: 'example.org', auth: { username: 'a', password: 'b' } })
  return sendMail(pool, { from: 'a@example.org', to: 'b@example.org', text: 'x' }).catch(isTemporary)
}
`
const requireProgram = `
import mail = require('pennypost/mail')
import smtp = require('pennypost/smtp')
const message: mail.ReadMessage = mail.readMessage(Uint8Array.of(65))
const pool: smtp.SmtpPool = new smtp.SmtpPool({ host: 'example.org' })
export = [message, pool]
`

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
      const files = { 'mail.ts': mailProgram, 'smtp.ts': smtpProgram }
      const all = { ...options, skipLibCheck, lib: ['es2022', 'esnext.disposable'], types: ['node'] }
      assert.deepEqual(await compile(`${resolution}-${skipLibCheck}`, files, all), [])
    })

test('the declarations need no @types/node, no DOM and no newer lib', async () => {
  const files = { 'mail.ts': mailProgram, 'smtp.ts': smtpProgram.replace('await using', 'const') }
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
