/** `pennypost sieve`: Sieve scripts are checked, and tried on a message. RFC 5228. */
import type { SieveAction, SieveFault, SieveScript } from '../sieve/index.ts'
import { CommandFault, counted, examples, jsonOption, UsageFault } from './context.ts'
import type { Subcommand } from './subcommand.ts'

interface TestOptions {
  readonly json?: boolean
  readonly from?: string
  readonly to?: string
  readonly mailbox?: readonly string[]
  readonly explain?: boolean
}

/** A message that is tried is held in memory, decoded too. */
const messageBytesMax = 64 * 1024 * 1024
const scriptBytesMax = 4 * 1024 * 1024

export const sieve: Subcommand = (program, terminal, fail) => {
  const group = examples(
    program.command('sieve').description('check Sieve scripts, and try them on messages'),
    'pennypost sieve check rules.sieve',
    'pennypost sieve test rules.sieve message.eml',
  )
  examples(
    jsonOption(
      group
        .command('check')
        .description('check a script: each fault with its line, column and a hint')
        .argument('<file>', 'the script'),
    ),
    'pennypost sieve check rules.sieve',
  ).action(async (file: string, options: { json?: boolean }) => {
    const compiled = await compile(file)
    if (compiled.kind === 'faults') fail(1)
    if (options.json) {
      const faults = compiled.kind === 'faults' ? compiled.faults : []
      return terminal.out(`${JSON.stringify({ faults }, null, 1)}\n`)
    }
    if (compiled.kind === 'faults') return terminal.note(faultLines(file, compiled.faults))
    const { requires } = compiled.script
    terminal.out(`${file} is right${requires.length === 0 ? '' : `; it requires ${requires.join(', ')}`}.\n`)
  })

  examples(
    jsonOption(
      group
        .command('test')
        .description('run a script over a message, and print what it would do: nothing is delivered or sent')
        .argument('<file>', 'the script')
        .argument('<message>', 'the message, as a file')
        .option('--from <address>', 'the envelope sender; "" for a bounce')
        .option('--to <address>', 'the envelope recipient')
        .option('--mailbox <name...>', 'mailboxes that exist; INBOX does')
        .option('--explain', 'print each step with its reason'),
    ),
    'pennypost sieve test rules.sieve message.eml',
    'pennypost sieve test rules.sieve message.eml --from bob@example.net --to alice@example.org --explain',
  ).action(async (file: string, message: string, options: TestOptions) => {
    const compiled = await compile(file)
    if (compiled.kind === 'faults') throw new CommandFault(faultLines(file, compiled.faults).trimEnd())
    const result = await run(compiled.script, await read(message, messageBytesMax), options)
    if (result.kind === 'error') fail(1)
    if (options.json) {
      const { answers: _, ...told } = result
      return terminal.out(`${JSON.stringify(told, null, 1)}\n`)
    }
    for (const { script, line, name, held, because } of result.steps)
      terminal.out(
        `${script === undefined ? '' : `${script}, `}line ${line}: ${name}${held === undefined ? '' : held ? ' holds' : ' does not hold'}${because === undefined ? '' : `: ${because}`}\n`,
      )
    if (result.kind === 'error') terminal.note(`${file}:${result.line}: ${result.problem}. The message is kept.\n`)
    for (const action of result.actions) terminal.out(`${wordsOf(action)}\n`)
  })
}

async function read(path: string, bytesMax: number): Promise<Uint8Array> {
  const { realFiles } = await import('../platform/real/files.ts')
  const { fileFaultWords } = await import('./fault-words.ts')
  const bytes = await realFiles.readPart(path, 0, bytesMax + 1).catch((error: unknown) => {
    const words = fileFaultWords(error, path)
    throw words === undefined ? error : new CommandFault(words)
  })
  if (bytes === undefined) throw new CommandFault(`There is no file ${path}`)
  if (bytes.length > bytesMax) throw new CommandFault(`${path} is larger than ${bytesMax / 1024 / 1024} MiB`)
  return bytes
}

async function compile(file: string) {
  const { compileScript } = await import('../sieve/index.ts')
  const bytes = await read(file, scriptBytesMax)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new CommandFault(`${file} is not UTF-8 text`)
  }
  return compileScript(text)
}

/** As compilers have it: `rules.sieve:3:7: …`, which editors can jump to. */
function faultLines(file: string, faults: readonly SieveFault[]): string {
  const lines = faults.map(
    ({ line, column, problem, hint }) =>
      `${file}:${line}:${column}: ${problem}${hint === undefined ? '' : `; ${hint}`}\n`,
  )
  return `${lines.join('')}${counted(faults.length, 'fault')}.\n`
}

async function run(script: SieveScript, message: Uint8Array, { from, to, mailbox = [], explain = false }: TestOptions) {
  const { runSieve } = await import('../library/sieve/run-sieve.ts')
  const { parseMailbox } = await import('../mail/address.ts')
  for (const [option, address] of Object.entries({ from, to }))
    if (address !== undefined && !(address === '' && option === 'from') && parseMailbox(address) === undefined)
      throw new UsageFault(`--${option} must be an address, as alice@example.org`)
  const mailboxes = new Set([...mailbox, 'INBOX'])
  return runSieve(script, message, {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    explain,
    host: {
      mailboxExists: (name) => mailboxes.has(name),
      environment: (name) => ({ name: 'pennypost', location: 'MDA', phase: 'during' })[name],
    },
  })
}

function wordsOf(action: SieveAction): string {
  const tail = [
    'flags' in action && action.flags !== undefined && action.flags.length > 0 ? `with ${action.flags.join(' ')}` : '',
    'create' in action && action.create ? 'creating it' : '',
    'specialUse' in action && action.specialUse !== undefined ? `or into the mailbox for ${action.specialUse}` : '',
    'mailboxId' in action && action.mailboxId !== undefined
      ? `or into the mailbox with the id ${action.mailboxId}`
      : '',
    'fcc' in action && action.fcc !== undefined ? `filing what is sent into ${action.fcc.mailbox}` : '',
    'copy' in action && action.copy ? 'as a copy' : '',
    'edits' in action && action.edits.length > 0 ? 'with a changed header' : '',
  ].filter((words) => words !== '')
  const end = `${tail.map((words) => `, ${words}`).join('')}${action.line === 0 ? '' : ` (line ${action.line})`}`
  switch (action.kind) {
    case 'keep':
      return `keep in INBOX${end}`
    case 'fileinto':
      return `file into ${action.mailbox}${end}`
    case 'redirect':
      return `redirect to ${action.address}${end}`
    case 'discard':
      return `discard${end}`
    case 'reject':
      return `${action.command}: ${action.reason.trim()}${end}`
    case 'vacation':
      return `answer, once in ${counted(action.seconds, 'second')}: ${action.reason.trim()}${end}`
    case 'notify':
      return `notify ${action.method}${action.message === undefined ? '' : `: ${action.message}`}${end}`
  }
}
