/** Shared by all subcommands: common options, errors, printing of lists. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import type { Terminal } from '../platform/real/terminal.ts'
import type { AnswerOf, ArgumentsOf, ControlName } from '../admin/control.ts'
import type { Page } from '../admin/control-command.ts'
import { fileFaultWords } from './fault-words.ts'
import type { Owner, OwnerOptions } from '../admin/owner.ts'

/** The command was called wrongly: exit status 2. */
export class UsageFault extends Error {}

/** The command failed for an expected reason: exit status 1, and only its text is printed. */
export class CommandFault extends Error {}

/** Options of every command that uses a data folder. */
export interface PlaceOptions {
  readonly config?: string
  readonly data?: string
}

export function placeOptions(command: Command): Command {
  return command
    .option(
      '-c, --config <file>',
      'configuration file (default: $PENNYPOST_CONFIG, then /etc/pennypost/pennypost.toml, then built-in defaults)',
    )
    .option('-d, --data <folder>', 'data folder (default: the one in the configuration)')
}

export function jsonOption(command: Command): Command {
  return command.option('--json', 'print JSON, for scripts')
}

/** Adds examples below the help: the fastest way to learn a command. */
export function examples(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`)
}

/** From --config; else, unless a data folder is given, from PENNYPOST_CONFIG or the usual place; else the defaults. */
export async function configOf({ config: named, data }: PlaceOptions): Promise<Config> {
  const [{ defaultConfig, loadConfig }, { usualConfigFile }] = await Promise.all([
    import('../config/load.ts'),
    import('../platform/real/usual-config.ts'),
  ])
  const file = named ?? (data === undefined ? usualConfigFile() : undefined)
  if (file === undefined) return defaultConfig(data)
  const config = await loadConfig(file)
  return data === undefined ? config : { ...config, data: data === ':memory:' ? data : resolve(data) }
}

/** Only the folder: if --data is given, a faulty configuration does not matter. */
export async function dataFolderOf(options: PlaceOptions): Promise<string> {
  return options.data === undefined ? (await configOf(options)).data : resolve(options.data)
}

/** A folder that cannot be opened is a CommandFault that says what to do. */
export async function openOwnerOf(data: string, options: OwnerOptions): Promise<Owner> {
  const { openOwner } = await import('../admin/owner.ts')
  return openOwner(data, options).catch((error: unknown) => {
    const words = fileFaultWords(error, data)
    throw words === undefined ? error : new CommandFault(words)
  })
}

/** Runs work with the owner of the data folder, and releases it afterwards. */
export async function withOwner<T>(
  options: PlaceOptions & { readonly create?: boolean },
  work: (owner: Owner) => Promise<T>,
): Promise<T> {
  const { create } = options
  const { data, user } = create ? await configOf(options) : { data: await dataFolderOf(options) }
  const owner = await openOwnerOf(data, { create, user })
  try {
    return await work(owner)
  } finally {
    await owner.close()
  }
}

/** Sends one control command. */
export function ask<Name extends ControlName>(
  options: PlaceOptions & { readonly create?: boolean },
  name: Name,
  args: ArgumentsOf<Name>,
): Promise<AnswerOf<Name>> {
  return withOwner(options, (owner) => owner.ask(name, args))
}

type RowOf<Name extends ControlName> = AnswerOf<Name> extends Page<infer Row, unknown> ? Row : never

/** All rows of a list, page after page. */
export async function* pages<Name extends ControlName>(
  owner: Owner,
  name: Name,
  args: ArgumentsOf<Name>,
): AsyncGenerator<readonly RowOf<Name>[]> {
  let after: unknown
  do {
    const page = (await owner.ask(name, after === undefined ? args : { ...args, after })) as Page<RowOf<Name>, unknown>
    yield page.rows
    after = page.next
  } while (after !== undefined)
}

/** A column of a printed list. */
export interface Column<Row> {
  readonly title: string
  readonly of: (row: Row) => string
  readonly right?: boolean
}

/** Prints pages as they arrive: a JSON array, or columns that get wider if a later page needs it. */
export async function printRows<Row>(
  terminal: Terminal,
  rows: AsyncIterable<readonly Row[]>,
  options: { readonly json?: boolean; readonly columns: readonly Column<Row>[]; readonly none: string },
): Promise<void> {
  let printed = 0
  const widths = options.columns.map(({ title }) => title.length)
  for await (const page of rows) {
    if (page.length === 0) continue
    if (options.json)
      terminal.out(page.map((row, i) => `${printed + i === 0 ? '[' : ','}\n${JSON.stringify(row)}`).join(''))
    else {
      const cells = page.map((row) => options.columns.map((column) => visible(column.of(row))))
      options.columns.forEach(
        (_, i) => (widths[i] = cells.reduce((width, row) => Math.max(width, row[i]!.length), widths[i]!)),
      )
      const titles = printed === 0 ? [options.columns.map(({ title }) => title)] : []
      terminal.out([...titles, ...cells].map((row) => tableLine(row, widths, options.columns)).join(''))
    }
    printed += page.length
  }
  if (options.json) terminal.out(printed === 0 ? '[]\n' : '\n]\n')
  else if (printed === 0) terminal.note(`${options.none}\n`)
}

function tableLine(
  cells: readonly string[],
  widths: readonly number[],
  columns: readonly { readonly right?: boolean }[],
): string {
  const padded = cells.map((cell, i) => (columns[i]!.right ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
  return `${padded.join('  ').trimEnd()}\n`
}

/** Some texts come from unauthenticated clients: control characters are shown as a dot. */
export function visible(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '·')
}

/** `90s`, `2h`, `5d` of an option, in milliseconds. */
export async function readDuration(option: string, text: string): Promise<number> {
  const { duration, ValueFault } = await import('../base/options/kinds.ts')
  try {
    return duration.read(text)
  } catch (error) {
    if (error instanceof ValueFault) throw new UsageFault(`${option} ${error.message}. ${error.hint ?? ''}`.trim())
    throw error
  }
}

/** A positive whole number of an option. */
export function readCount(option: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageFault(`${option} must be a number above 0, not "${text}"`)
  return Number(text)
}

const sizeUnits = ['B', 'KB', 'MB', 'GB', 'TB']

/** `1 message`, `2 messages`. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`
}

/** Prints the result: an object with --json, else a sentence. */
export function tellDone(
  terminal: Terminal,
  { json }: { readonly json?: boolean },
  answer: object,
  sentence: string,
): void {
  terminal.out(json ? `${JSON.stringify(answer, null, 1)}\n` : sentence)
}

export function sizeText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < sizeUnits.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${sizeUnits[unit]}`
}

/** `2026-02-01 12:00:00Z` */
export function timeText(epochMs: number): string {
  return new Date(epochMs)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z')
}
