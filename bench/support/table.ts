/** The tables that a benchmark prints: Markdown, so that docs/performance.md can take them as they are. */
import { loadavg } from 'node:os'
import { figure } from './statistics.ts'

export class Table {
  readonly #heads: readonly string[]
  readonly #rows: string[][] = []

  constructor(...heads: readonly string[]) {
    this.#heads = heads
  }

  add(...cells: readonly (string | number | undefined)[]): void {
    const row = cells.map((cell) => (typeof cell === 'string' ? cell : figure(cell)))
    this.#rows.push(row)
    // Shown as they come: a run takes minutes.
    console.error(`  ${row.join(' | ')}`)
  }

  print(title: string): void {
    const all = [[...this.#heads], ...this.#rows]
    const widths = this.#heads.map((_, at) => Math.max(...all.map((row) => (row[at] ?? '').length), 3))
    const line = (row: readonly string[]): string =>
      `| ${widths.map((width, at) => (at === 0 ? (row[at] ?? '').padEnd(width) : (row[at] ?? '').padStart(width))).join(' | ')} |`
    const rule = `|${widths.map((width, at) => (at === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
    // Who else used the machine: beyond its cores, our own load included, waiting is measured along.
    const load = loadavg()[0]!.toFixed(1)
    console.log(
      `\n### ${title} (load average ${load})\n\n${line(this.#heads)}\n${rule}\n${this.#rows.map(line).join('\n')}\n`,
    )
  }
}

/** `met`, or how far it is away. `ratio` and `aim` as targets.md says them. */
export function verdict(ratio: number, aim: { readonly atLeast?: number; readonly atMost?: number }): string {
  const isMet = ratio >= (aim.atLeast ?? -Infinity) && ratio <= (aim.atMost ?? Infinity)
  const sign = aim.atLeast === undefined ? `≤ ${aim.atMost}` : `≥ ${aim.atLeast}`
  return `${sign}: ${isMet ? 'met' : 'missed'}`
}
