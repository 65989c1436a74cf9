/**
 * What operators, users and programmers read is written in the words of the RFCs and of other mail servers: docs/architecture.md has them.
 * So are the comments of the rooms in `plainRooms`. Names in the code are not checked.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sections } from '../../src/config/options.ts'
import { root, sourceFiles } from './source.ts'

/** What was said once, and what is said instead. */
const plain: Readonly<Record<string, RegExp>> = {
  'trace, outcome': /\bjourneys?\b/i,
  'bounce, DSN': /\bnotices?\b/i,
  'unauthenticated clients': /\bstrangers?\b/i,
  'the one who is meant, or the passive voice': /\b(?:whoever|whosoever|nobody|somebody|everybody|anybody)\b/i,
  'the user, they': /\b(?:he|his|him)\b/i,
  'forward to': /\bleads? (?:elsewhere|to an?other)\b/i,
  'stdin is not a terminal': /\bkeyboard\b/i,
  'Created account': /\bis here now\b|\bwho lives\b/i,
}

/** Values and file names that stay as they are, and who reads them. */
const exceptions = [
  '`journey/`', // the folder of traces, up to version 0.4
  'notices.test.ts', // a file
  'id="strangers-who-take-too-much"', // an anchor that others may link to
]

/** @returns `private word → plain one: text`. */
function oddWords(text: string): string[] {
  const read = exceptions.reduce((left, exception) => left.replaceAll(exception, ''), text)
  return Object.entries(plain).flatMap(([instead, word]) => {
    const found = word.exec(read)
    return found === null ? [] : [`"${found[0]}", say ${instead}: ${text.trim().slice(0, 120)}`]
  })
}

test('the list finds what it is for, and lets the exceptions through', () => {
  assert.equal(oddWords('Journeys are kept; he hears of it by a notice, whoever he is').length, 4)
  assert.equal(oddWords('an alias that leads elsewhere; there is no keyboard; alice is here now').length, 3)
  assert.deepEqual(oddWords('in `journey/`; the sender gets a bounce'), [])
})

/** A literal of TypeScript. Regular expressions between slashes may confuse it; nothing worse follows than a text that is not looked at. */
const literal = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g

/** SQL, and an assertion of ours that no peer can bring about. */
const notForPeople = new Set(['store/sqlite/schema.ts', 'protocol/imap/conversation.ts'])

function withoutComments(text: string): string {
  return text.replace(/\/\*[^]*?\*\//g, '').replace(/^\s*\/\/.*$|\s\/\/ .*$/gm, '')
}

test('help, output, errors, replies and log events are in plain words', () => {
  let seen = 0
  const odd: string[] = []
  for (const { path, text, isTest } of sourceFiles) {
    if (isTest || notForPeople.has(path)) continue
    for (const [written] of withoutComments(text).matchAll(literal)) {
      const words = written.replace(/\$\{[^}]*\}/g, 'x')
      // One word is a name of the code; two make a text.
      if (!/[a-z] [a-z]/i.test(words)) continue
      seen++
      odd.push(...oddWords(words).map((found) => `${path}: ${found}`))
    }
  }
  assert.deepEqual(odd, [])
  assert.ok(seen > 1000, `${seen} were seen`)
})

/** Rooms and files of src/ whose comments are checked. The others are to be added once their comments are rewritten. */
const plainRooms = new Set([
  'access',
  'admin',
  'base',
  'checks',
  'cli',
  'config',
  'delivery',
  'directory',
  'embed',
  'library',
  'listen',
  'mail',
  'platform',
  'protocol',
  'queue',
  'sieve',
  'store',
  'system',
  'system.ts',
  'transport',
  'trust',
  'web',
])

/** Line by line: whole lines of comments, and comments at the ends of lines. Names in backticks are those of the code. */
function commentLines(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const found = /^\s*(?:\/\/|\/\*|\*).*|\s\/\/ .*/.exec(line)
    return found === null ? [] : [found[0].replace(/`[^`]*`/g, '')]
  })
}

test('comments are found, but for names in backticks', () => {
  const text = "/**\n * One.\n */\nconst two = 'https://two' // Two, whoever `he` is.\n  // Three."
  assert.deepEqual(commentLines(text), ['/**', ' * One.', ' */', ' // Two, whoever  is.', '  // Three.'])
  assert.equal(commentLines(text).flatMap(oddWords).length, 1)
})

test('the comments of finished rooms are in plain words', () => {
  const rooms = new Set<string>()
  const odd: string[] = []
  for (const { path, text } of sourceFiles) {
    const [room = ''] = path.split('/')
    if (!plainRooms.has(room)) continue
    rooms.add(room)
    odd.push(...commentLines(text).flatMap((line) => oddWords(line).map((found) => `${path}: ${found}`)))
  }
  assert.deepEqual(odd, [])
  assert.deepEqual(rooms, plainRooms)
})

test('every key of the configuration is explained in plain words', () => {
  const texts = sections.flatMap(({ why, options }) => [why, ...Object.values(options).map((option) => option.why)])
  assert.deepEqual(texts.flatMap(oddWords), [])
})

/** Pages for those who work on Pennypost: they name what the code names. */
const innerPages = new Set(['architecture.md', 'hardening.md', 'performance.md', 'long-runs.md', 'rfc.md'])

test('the pages are in plain words', () => {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  const pages = [
    'README.md',
    'SECURITY.md',
    ...docs.filter((name) => !innerPages.has(name)).map((name) => `docs/${name}`),
  ]
  const odd = pages
    .filter((page) => page.endsWith('.md'))
    .flatMap((page) => {
      // Examples are programs, and dialogues are what others say.
      const prose = readFileSync(join(root, page), 'utf8').replace(/^ *```(?:ts|toml)\n[^]*?^ *```$/gm, '')
      return prose.split('\n').flatMap((line) => oddWords(line).map((found) => `${page}: ${found}`))
    })
  assert.deepEqual(odd, [])
})
