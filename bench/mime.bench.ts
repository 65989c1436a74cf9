/**
 * Reading mail: parse, and decode every text and every file. MB per CPU second, beside mailparser, postal-mime, GMime and Python's email,
 * each in a process of its own, alternating; and composing.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { composeMessage } from '../src/mail/compose/message.ts'
import { messageFacts } from '../src/mail/message-facts.ts'
import { parseStructure } from '../src/mail/mime/structure.ts'
import { readMessage } from '../src/mail/view/read-message.ts'
import { hardMessages, mimeSamples } from './support/mime-samples.ts'
import { gmimeReader, pythonReader } from './support/mime-readers.ts'
import { bench, quick, rounds, runProgram, scratchFolder } from './support/scratch.ts'
import { median } from './support/statistics.ts'
import { Table, verdict } from './support/table.ts'

/** CPU seconds of one run of one reader. */
const runSeconds = quick ? 0.3 : 1.5

type Reader = (message: Buffer) => unknown

const readers: Readonly<Record<string, () => Promise<Reader>>> = {
  async ours() {
    return (bytes) => {
      const message = readMessage(bytes)
      let sum = (message.subject?.length ?? 0) + message.people('from').length + message.people('to').length
      sum += (message.date?.epochMs ?? 0) + (message.messageId?.length ?? 0) + message.fields.length
      sum += (message.plainText?.length ?? 0) + (message.html?.length ?? 0)
      for (const file of message.files) sum += file.content().length
      return sum
    }
  },
  async structure() {
    return (bytes) => messageFacts(parseStructure(bytes)).bodyStructure.length
  },
  async mailparser() {
    const { simpleParser } = (await import('mailparser' as string)) as {
      simpleParser(bytes: Buffer, options: object): Promise<unknown>
    }
    // Nothing that the others do not do: no HTML made of text, and no text of HTML.
    const options = { skipHtmlToText: true, skipTextToHtml: true, skipTextLinks: true, skipImageLinks: true }
    return (bytes) => simpleParser(bytes, options)
  },
  async 'postal-mime'() {
    const { default: PostalMime } = (await import('postal-mime' as string)) as {
      default: { parse(bytes: Buffer): Promise<unknown> }
    }
    return (bytes) => PostalMime.parse(bytes)
  },
}

function messagesIn(folder: string): Buffer[] {
  return readdirSync(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name)))
}

/** Reads a folder's messages over and over; prints bytes read and CPU seconds. */
async function readAll(name: string, folder: string): Promise<void> {
  const read = await readers[name]!()
  const messages = messagesIn(folder)
  const pass = async (): Promise<void> => {
    for (const message of messages) {
      const done = read(message)
      if (done instanceof Promise) await done.catch(() => {})
    }
  }
  const started = process.cpuUsage()
  // Warm: what is compiled once is not what a server pays.
  while (cpuSeconds(started) < runSeconds / 3) await pass()
  const from = process.cpuUsage()
  let passes = 0
  while (cpuSeconds(from) < runSeconds) {
    await pass()
    passes++
  }
  const bytes = messages.reduce((sum, { length }) => sum + length, 0) * passes
  console.log(`${bytes} ${cpuSeconds(from)} ${passes * messages.length}`)
}

function cpuSeconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1e6
}

interface Speed {
  /** MB per CPU second. */
  readonly mb: number
  readonly messages: number
}

async function measure(
  name: string,
  folder: string,
  programs: Readonly<Record<string, readonly string[]>>,
): Promise<Speed> {
  const program = programs[name]
  const said = program
    ? await runProgram(program[0]!, [...program.slice(1), folder, String(runSeconds)])
    : await runProgram(process.execPath, [process.argv[1]!], {
        env: { ...process.env, BENCH_READER: name, BENCH_FOLDER: folder },
      })
  const [bytes, seconds, messages] = said.trim().split(' ').map(Number)
  return { mb: bytes! / 1e6 / seconds!, messages: messages! / seconds! }
}

const aims: Readonly<Record<string, { npm: number; gmime: number }>> = {
  'text 2 KB': { npm: 15, gmime: 1 },
  'alternative 7.6 KB': { npm: 15, gmime: 1 },
  'nested 12 deep': { npm: 20, gmime: 1 },
  '5 MB attachment': { npm: 10, gmime: 1 },
  '1,000 parts': { npm: 30, gmime: 1 },
  'hard messages': { npm: 15, gmime: 1 },
}

async function composing(): Promise<void> {
  const table = new Table('composing', 'messages per CPU second', 'MB per CPU second')
  const file = Buffer.alloc(1_000_000, 'x')
  const drafts = {
    text: { from: 'Älice <a@example.org>', to: 'b@example.org', subject: 'Grüße', text: 'Hello, wörld.\n'.repeat(100) },
    '1 MB file': {
      from: 'a@example.org',
      to: 'b@example.org',
      subject: 'File',
      text: 'x',
      attachments: [{ content: file, name: 'x.bin' }],
    },
  }
  let made = 0
  const unique = (): string => `unique${String(made++).padStart(8, '0')}`
  for (const [name, draft] of Object.entries(drafts)) {
    const from = process.cpuUsage()
    let count = 0
    let bytes = 0
    while (cpuSeconds(from) < runSeconds) {
      bytes += (await composeMessage(draft, { nowMs: 0, hostname: 'h.example', unique }).bytes()).length
      count++
    }
    table.add(name, count / cpuSeconds(from), bytes / 1e6 / cpuSeconds(from))
  }
  table.print('Composing')
}

const reader = process.env['BENCH_READER']
if (reader !== undefined) await readAll(reader, process.env['BENCH_FOLDER']!)
else
  await bench(async () => {
    const scratch = scratchFolder('mime')
    const programs: Record<string, readonly string[]> = {}
    const python = pythonReader(scratch)
    if (python) programs['Python'] = python
    const gmime = gmimeReader(scratch)
    if (gmime) programs['GMime'] = gmime
    const names = ['ours', 'structure', 'mailparser', 'postal-mime', ...Object.keys(programs)]
    const table = new Table('MB per CPU second', ...names, '÷ better npm', '÷ GMime', 'aim', 'aim')
    const samples = { ...mimeSamples(), 'hard messages': hardMessages() }
    for (const [sample, messages] of Object.entries(samples)) {
      if (messages.length === 0 || (process.env['BENCH_ROW'] && !sample.includes(process.env['BENCH_ROW']))) continue
      const folder = join(scratch, sample.replace(/\W/g, '-'))
      mkdirSync(folder)
      messages.forEach((message, at) => writeFileSync(join(folder, `${String(at).padStart(4, '0')}.eml`), message))
      const speeds: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]))
      for (let round = 0; round < rounds; round++)
        for (const name of names) speeds[name]!.push((await measure(name, folder, programs)).mb)
      const of = (name: string): number => median(speeds[name] ?? [])
      const npm = of('ours') / Math.max(of('mailparser'), of('postal-mime'))
      const c = of('ours') / of('GMime')
      const { npm: npmAim, gmime: cAim } = aims[sample]!
      const gmimeAim = Number.isNaN(c) ? 'no GMime here' : verdict(c, { atLeast: cAim })
      table.add(sample, ...names.map(of), npm, c, verdict(npm, { atLeast: npmAim }), gmimeAim)
    }
    table.print('Parse and decode everything')
    await composing()
  })
