/** The table of options as text for people: one key explained, a commented sample, the reference page. */
import type { Option } from '../base/options/option.ts'
import { sections, type Section } from './options.ts'
import { services } from './services.ts'
import { nearest } from '../base/suggest.ts'

interface Entry {
  readonly section: Section
  readonly key: string
  /** `transfer.hopsMax` */
  readonly path: string
  readonly option: Option<unknown>
}

export const entries: readonly Entry[] = sections.flatMap((section) =>
  Object.entries(section.options).map(([key, option]) => ({
    section,
    key,
    path: section.name === '' ? key : `${section.name}.${key}`,
    option,
  })),
)

function written(option: Option<unknown>, value: unknown): string {
  return option.kind.format(value)
}

function heading({ name, repeated }: Section): string {
  return repeated ? `[[${name}]]` : `[${name}]`
}

export function defaultText({ option }: Entry): string {
  return option.default === undefined ? 'none' : written(option, option.default)
}

/** The entries that a question means: a full path, a key, or a table with all of its keys. */
export function findEntries(question: string): readonly Entry[] {
  const exact = entries.filter(({ path }) => path === question)
  if (exact.length > 0) return exact
  return entries.filter(({ key, section }) => key === question || (section.name !== '' && section.name === question))
}

export function suggestEntry(question: string): string | undefined {
  return nearest(question, new Set(entries.flatMap(({ path, key, section }) => [path, key, section.name])))
}

/** A paragraph on one option. */
export function explainEntry(entry: Entry): string {
  const { section, key, option, path } = entry
  const example =
    option.default === undefined && option.example !== undefined
      ? [`  example  ${key} = ${written(option, option.example)}`]
      : []
  return [
    path,
    `  ${option.why}`,
    `  where    ${section.name === '' ? 'at the top level, before the first [table]' : heading(section)}`,
    `  type     ${option.kind.words}`,
    `  default  ${defaultText(entry)}`,
    ...example,
    '',
  ].join('\n')
}

/** Words in lines of so many characters. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

const commentWidth = 100

/** A configuration that says nothing: every key stands there with its default, commented out. */
export function sampleText(): string {
  const lines = [
    '# Pennypost. Every key is optional; the values shown are the defaults.',
    '# Check a file with "pennypost config check FILE".',
    '',
  ]
  for (const section of sections) {
    lines.push(...wrap(section.why, commentWidth).map((line) => `## ${line}`))
    if (section.name !== '') lines.push(section.repeated ? `# ${heading(section)}` : heading(section))
    for (const { key, option } of entries.filter((entry) => entry.section === section)) {
      lines.push(...wrap(option.why, commentWidth).map((line) => `# ${line}`))
      const value = option.default ?? option.example
      lines.push(`# ${key} = ${value === undefined ? '""' : written(option, value)}`)
    }
    lines.push('')
  }
  return `${lines.join('\n').trimEnd()}\n`
}

const cell = (text: string): string => text.replaceAll('|', '\\|')

/** docs/config.md */
export function referenceText(): string {
  const lines = [
    '# Configuration',
    '',
    '<!-- Printed from the options of each room by "pennypost config reference"; a test keeps it fresh. Do not edit. -->',
    '',
    'One [TOML](https://toml.io) file, named with `--config`. Every key is optional; without a file the defaults apply.',
    '`pennypost config sample` prints a file to edit, `pennypost config check FILE` reports errors with their lines,',
    '`pennypost config explain KEY` explains a key. Paths are relative to the folder of the file.',
    'Sizes are bytes or strings such as `"50MB"`; times are milliseconds or strings such as `"30s"`, `"5m"`, `"4h"`, `"5d"`.',
    '',
  ]
  for (const section of sections) {
    lines.push(
      section.name === '' ? '## Top level' : `## \`${heading(section)}\``,
      '',
      section.why,
      '',
      '| key | type | default | description |',
      '|---|---|---|---|',
    )
    for (const entry of entries.filter((one) => one.section === section)) {
      const fallback = defaultText(entry)
      lines.push(
        `| \`${entry.key}\` | ${cell(entry.option.kind.words)} | ${fallback === 'none' ? 'none' : `\`${cell(fallback)}\``} | ${cell(entry.option.why)} |`,
      )
    }
    lines.push('')
    if (section.name === 'listener') lines.push(...serviceTable())
  }
  return `${lines.join('\n').trimEnd()}\n`
}

function serviceTable(): string[] {
  const rows = Object.entries(services).map(
    ([name, { port, worldPort, tls, signsIn, served }]) =>
      `| \`${name}\` | ${port} | ${worldPort} | ${tls} | ${signsIn ? 'yes, after TLS' : 'no'} | ${served ? 'yes' : 'not yet'} |`,
  )
  return [
    '| service | default port | standard port | tls | sign-in | available |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
  ]
}
