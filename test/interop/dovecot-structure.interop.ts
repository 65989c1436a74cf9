/**
 * ENVELOPE, BODYSTRUCTURE and BODY of real and odd messages beside Dovecot's.
 *
 * Dovecot's imap program is run on a pipe with a configuration of its own, without its master: nothing listens.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { formatBodyBasic, formatBodyStructure } from '../../src/mail/imap/body-structure.ts'
import { sectionRange, selectFields } from '../../src/mail/imap/section.ts'
import type { Section } from '../../src/mail/imap/section.ts'
import { formatEnvelope } from '../../src/mail/imap/envelope.ts'
import { parseStructure } from '../../src/mail/mime/structure.ts'
import type { Part } from '../../src/mail/mime/part.ts'
import { knownDifferences, knownSectionDifferences } from './dovecot-structure.differences.ts'
import { readImapValue } from './imap-value.ts'
import type { ImapValue } from './imap-value.ts'

const program = '/usr/lib/dovecot/imap'
const vectors = join(process.env.PENNYPOST_ROOT!, '..', 'shared', 'vectors')
const nobody = 65534
const noDovecot = !existsSync(program) && process.env.CI !== 'true' ? 'Dovecot is not installed' : false
const skip = existsSync(vectors) ? noDovecot : 'no vectors'

let folder: string
let imap: ChildProcessWithoutNullStreams
let received = ''
let wake: () => void = () => {}

before(() => {
  if (skip !== false) return
  assert.ok(existsSync(program), 'Dovecot is not installed')
  folder = mkdtempSync(join(tmpdir(), 'pennypost-dovecot-'))
  mkdirSync(join(folder, 'mail'))
  const config = join(folder, 'dovecot.conf')
  writeFileSync(
    config,
    `protocols = imap\nmail_location = maildir:${folder}/mail\nlog_path = ${folder}/log\nstats_writer_socket_path =\n`,
  )
  const identity = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}
  if (identity.uid !== undefined)
    for (const path of [folder, join(folder, 'mail'), config]) chownSync(path, nobody, nobody)
  imap = spawn(program, ['-c', config], { ...identity, env: { USER: 'nobody', HOME: folder, LOG_STDERR: '1' } })
  imap.stdout.setEncoding('latin1')
  imap.stdout.on('data', (text: string) => {
    received += text
    wake()
  })
})

after(() => {
  if (folder === undefined) return
  imap.kill()
  rmSync(folder, { recursive: true, force: true })
})

/** What arrives up to and with the text that the pattern finds. */
async function until(pattern: RegExp): Promise<string> {
  const deadline = Date.now() + 20_000
  for (;;) {
    const found = pattern.exec(received)
    if (found !== null) {
      const text = received.slice(0, found.index + found[0].length)
      received = received.slice(text.length)
      return text
    }
    if (Date.now() > deadline) throw new Error(`no ${pattern} in ${JSON.stringify(received.slice(-500))}`)
    await new Promise<void>((resolve) => {
      wake = resolve
      setTimeout(resolve, 500)
    })
  }
}

let tag = 0
async function command(line: string): Promise<string> {
  tag += 1
  imap.stdin.write(`t${tag} ${line}\r\n`, 'latin1')
  const answer = await until(new RegExp(`(?:^|\\r\\n)t${tag} [^\\r]*\\r\\n`))
  assert.match(answer, new RegExp(`t${tag} OK`), answer.slice(-300))
  return answer
}

async function append(message: Buffer): Promise<void> {
  tag += 1
  imap.stdin.write(`t${tag} APPEND INBOX {${message.length}+}\r\n`)
  imap.stdin.write(message)
  imap.stdin.write('\r\n')
  assert.match(await until(new RegExp(`t${tag} [^\\r]*\\r\\n`)), / OK /)
}

/**
 * Case of names and runs of white space do not count: Dovecot passes on the message's spelling, we normalize. Nor does
 * what stands for a domain or mailbox that is not there.
 */
function plain(value: ImapValue): ImapValue {
  if (value === 'MISSING_DOMAIN' || value === 'MISSING_MAILBOX') return ''
  if (typeof value === 'string') return value.replace(/\s+/g, ' ').trim().toLowerCase()
  return Array.isArray(value) ? value.map(plain) : value
}

function messages(): { name: string; bytes: Buffer }[] {
  const found: { name: string; bytes: Buffer }[] = []
  for (const suite of ['mime-cpython', 'mime-mime4j', 'mime-mime4j/mimetools'])
    for (const file of readdirSync(join(vectors, suite)).sort())
      if (/\.(?:eml|msg)$/.test(file)) {
        const text = readFileSync(join(vectors, suite, file)).toString('latin1')
        // What a server stores has CRLF line ends, and no NUL.
        const lines = text.replace(/\r?\n/g, '\n').replace(/\n/g, '\r\n').replaceAll('\0', '\x80')
        found.push({ name: `${suite}/${file}`, bytes: Buffer.from(lines, 'latin1') })
      }
  return found
}

test(
  'ENVELOPE, BODYSTRUCTURE and BODY are what Dovecot tells, but for the differences that we defend',
  { skip },
  async (t) => {
    await until(/\* PREAUTH[^\r]*\r\n/)
    const all = messages()
    for (const { bytes } of all) await append(bytes)
    await command('SELECT INBOX')
    const seen = new Set<string>()
    const wrong: string[] = []
    let same = 0
    for (const [index, { name, bytes }] of all.entries()) {
      const part = parseStructure(bytes)
      const ours: Record<string, string> = {
        ENVELOPE: formatEnvelope(part.header),
        BODYSTRUCTURE: formatBodyStructure(part),
        BODY: formatBodyBasic(part),
      }
      for (const item of ['ENVELOPE', 'BODYSTRUCTURE', 'BODY']) {
        const answer = await command(`FETCH ${index + 1} ${item}`)
        const theirs = plain(readImapValue(answer, answer.indexOf(item) + item.length).value)
        const mine = plain(readImapValue(ours[item]!).value)
        const key = `${name} ${item}`
        if (JSON.stringify(mine) === JSON.stringify(theirs)) same += 1
        else if (knownDifferences[key] !== undefined) seen.add(key)
        else wrong.push(`${key}\n  ours   ${JSON.stringify(mine)}\n  theirs ${JSON.stringify(theirs)}`)
      }
    }
    t.diagnostic(`${same} of ${all.length * 3} equal, ${seen.size} differences defended`)
    assert.deepEqual(wrong, [], wrong.join('\n'))
    assert.deepEqual(
      Object.keys(knownDifferences).filter((key) => !seen.has(key)),
      [],
      'differences that are none any more',
    )
  },
)

/** All part numbers of a tree, to the depth and width that tests need. */
function numbersOf(holder: Part, prefix: readonly number[] = []): number[][] {
  if (prefix.length > 4) return []
  const parts = holder.kind === 'multipart' ? holder.children.slice(0, 5) : [holder]
  return parts.flatMap((part, index) => {
    const numbers = [...prefix, index + 1]
    const inside = part.kind === 'multipart' ? part : part.message
    return [numbers, ...(inside === undefined ? [] : numbersOf(inside, numbers))]
  })
}

const names = ['subject', 'content-type', 'received']

function sectionsOf(root: Part): { spec: string; section: Section }[] {
  const found: { spec: string; section: Section }[] = []
  for (const part of [[], ...numbersOf(root)]) {
    const prefix = part.join('.')
    const add = (word: string, text?: Section['text']): void => {
      found.push({ spec: [prefix, word].filter((one) => one !== '').join('.'), section: { part, text } })
    }
    add('')
    add('HEADER', { kind: 'header' })
    add('TEXT', { kind: 'text' })
    if (prefix !== '') add('MIME', { kind: 'mime' })
    add(`HEADER.FIELDS (${names.join(' ')})`, { kind: 'fields', names })
    add(`HEADER.FIELDS.NOT (${names.join(' ')})`, { kind: 'fieldsNot', names })
  }
  return found
}

test('sections are the bytes that Dovecot sends', { skip }, async (t) => {
  const wrong: string[] = []
  const seen = new Set<string>()
  let same = 0
  for (const [index, { name, bytes }] of messages().entries()) {
    const root = parseStructure(bytes)
    for (const { spec, section } of sectionsOf(root)) {
      const range = sectionRange(root, section)
      let mine = range === undefined ? '' : bytes.toString('latin1', range[0], range[1])
      if (range !== undefined && (section.text?.kind === 'fields' || section.text?.kind === 'fieldsNot'))
        mine = selectFields(
          bytes.subarray(range[0], range[1]),
          section.text.names,
          section.text.kind === 'fieldsNot',
          range[0],
        )
          .map(([start, end]) => bytes.toString('latin1', start, end))
          .join('')
      const answer = await command(`FETCH ${index + 1} BODY.PEEK[${spec}]`)
      const theirs = readImapValue(answer, answer.indexOf(']', answer.indexOf('BODY[')) + 1).value ?? ''
      if (mine === theirs) same += 1
      else if (knownSectionDifferences[name] !== undefined) seen.add(name)
      else
        wrong.push(
          `${name} ${spec}\n  ours   ${JSON.stringify(mine).slice(0, 300)}\n  theirs ${JSON.stringify(theirs).slice(0, 300)}`,
        )
    }
  }
  t.diagnostic(`${same} sections equal; ${seen.size} messages with defended differences`)
  assert.deepEqual(wrong, [], wrong.join('\n'))
  assert.deepEqual(
    Object.keys(knownSectionDifferences).filter((name) => !seen.has(name)),
    [],
    'differences that are none any more',
  )
})
