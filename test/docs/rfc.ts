/** docs/rfc.md: which RFC, and which section of it, stands in which file; where we depart from one, and what is not built yet. From the comments. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { titles } from './rfc-titles.ts'

export interface Citation {
  readonly rfc: number
  /** `6.4.8`; '' for the whole. */
  readonly section: string
  /** From the root. */
  readonly path: string
}

/** A sentence that begins with `Departs:` or `Not yet:`. */
export interface Status {
  readonly kind: 'Departs' | 'Not yet'
  readonly text: string
  readonly path: string
}

/** Sources and the rooms' READMEs; tests cite what they test. */
export function citingFiles(root: string): { path: string; text: string }[] {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((name) => join('src', name))
    .filter((path) => /\.(?:ts|md)$/.test(path) && !path.endsWith('.test.ts'))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

const section = '(?:§[0-9A-Z][0-9A-Za-z]*(?:\\.[0-9A-Za-z]+)*)'
const citation = new RegExp(`RFC (\\d{3,5})((?:,? (?:and )?${section}(?:–${section})?)*)`, 'g')

/** The comments of a file, each as one line: a citation or a sentence may go over the end of a line. A README is one comment. */
function comments({ path, text }: { readonly path: string; readonly text: string }): string[] {
  const found = path.endsWith('.md')
    ? text.split(/\n(?:\n|(?=[-#|]))/)
    : (text.match(/\/\*[^]*?\*\/|(?:^|[^:'"`\\])\/\/.*(?:\n[ \t]*\/\/.*)*/gm) ?? [])
  return found.map((one) =>
    one
      .replace(/^\s*\/\*+|\*\/$/g, '')
      .replace(/\n[ \t]*\*(?!\/) ?/g, '\n')
      .replace(/^[^\S\n]*.?\/\/ ?/gm, '')
      .replace(/\s+/g, ' ')
      .trim(),
  )
}

export function citationsIn(file: { readonly path: string; readonly text: string }): Citation[] {
  const { path } = file
  return comments(file)
    .flatMap((one) => [...one.matchAll(citation)])
    .flatMap(([, rfc, sections = '']) => {
      const found = [...sections.matchAll(new RegExp(section, 'g'))].map(([one]) => one.slice(1).replace(/\.$/, ''))
      return (found.length === 0 ? [''] : found).map((one) => ({ rfc: Number(rfc), section: one, path }))
    })
}

export function statusesIn(file: { readonly path: string; readonly text: string }): Status[] {
  const { path } = file
  return comments(file).flatMap((one) =>
    [...one.matchAll(/\b(Departs|Not yet): (.*?)\.?(?=\. [A-Z`{@]|\.?$)/g)].map(([, kind, text]) => ({
      kind: kind as Status['kind'],
      text: text!.trim(),
      path,
    })),
  )
}

/** 2.10 behind 2.9. */
function bySection(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}

function link(path: string): string {
  // No links: the package has this page, and no sources.
  return `\`${path.slice('src/'.length)}\``
}

export function rfcPage(root: string): string {
  const files = citingFiles(root)
  const byRfc = new Map<number, Map<string, Set<string>>>()
  for (const { rfc, section, path } of files.flatMap(citationsIn)) {
    const sections = byRfc.get(rfc) ?? new Map<string, Set<string>>()
    byRfc.set(rfc, sections.set(section, (sections.get(section) ?? new Set()).add(path)))
  }
  const statuses = files.flatMap(statusesIn)
  const listed = (kind: Status['kind']): string[] =>
    statuses.filter((one) => one.kind === kind).map(({ text, path }) => `- ${text}. ${link(path)}`)
  const lines = [
    '# The standards, and where they are in the code',
    '',
    'Written by `node scripts/rfc.mjs` from the comments of `src/`, which cite as `RFC 9051 §6.4.8`; a test keeps it fresh. A file that cites a section',
    'obeys it, or says below where not.',
    '',
    '## Departures',
    '',
    ...listed('Departs'),
    '',
    '## Not yet',
    '',
    ...listed('Not yet'),
    '',
    '## By number',
    '',
  ]
  for (const [rfc, sections] of [...byRfc].sort(([a], [b]) => a - b)) {
    lines.push(`### RFC ${rfc}: ${titles[rfc] ?? '?'}`, '')
    for (const [section, paths] of [...sections].sort(([a], [b]) => bySection(a, b)))
      lines.push(`- ${section === '' ? 'as a whole' : `§${section}`}: ${[...paths].sort().map(link).join(', ')}`)
    lines.push('')
  }
  return `${lines.join('\n').trimEnd()}\n`
}
