/**
 * Metrics of a running program, and their text for Prometheus. OpenMetrics 1.0.
 * Counting is an addition: on hot paths the labels of a series are looked up once, by `of`. No library: the text is simple, and the usual
 * library brings four packages and 4.6 MB.
 */

/** Series of one metric; further ones are counted under the label `other`, so that a peer cannot fill the memory with label values. */
const seriesMax = 500

export interface Metric {
  /** The lines of the metric: type, help, samples. */
  text(): string
}

/** One number of a counter. */
export interface Cell {
  value: number
}

interface Named {
  readonly name: string
  readonly help: string
  readonly labels?: readonly string[]
}

/** The series of a metric by their label values. The text of labels is not made for this: it costs more than counting. */
class Series<T> {
  readonly #labels: readonly string[]
  readonly #make: () => T
  readonly #found = new Map<string, T>()
  /** Keyed by the text of their labels. */
  readonly all = new Map<string, T>()

  constructor(labels: readonly string[], make: () => T) {
    this.#labels = labels
    this.#make = make
  }

  of(values: readonly string[]): T {
    const key = values.length === 1 ? values[0]! : values.join('\0')
    const known = this.#found.get(key)
    if (known !== undefined) return known
    if (this.all.size >= seriesMax && values.some((value) => value !== other)) return this.of(values.map(() => other))
    const made = this.#make()
    this.#found.set(key, made)
    this.all.set(labelText(this.#labels, values), made)
    return made
  }
}

/** A number that only grows. Its sample has the suffix `_total`. */
export class Counter implements Metric {
  readonly #metric: Named
  readonly #cells: Series<Cell>

  constructor(name: string, help: string, ...labels: readonly string[]) {
    this.#metric = { name, help, labels }
    this.#cells = new Series(labels, () => ({ value: 0 }))
    // A counter without labels is exported from the start: a rate needs the first 0.
    if (labels.length === 0) this.of()
  }

  /** @param values of the labels, in their order. */
  of(...values: readonly string[]): Cell {
    return this.#cells.of(values)
  }

  text(): string {
    const { name } = this.#metric
    return head(this.#metric, 'counter') + samples(`${name}_total`, this.#cells.all, ({ value }) => value)
  }
}

/** Counts values by size, in buckets. Sizes are seconds or octets. */
export class Histogram implements Metric {
  readonly #metric: Named
  readonly #bounds: readonly number[]
  readonly #series: Series<Distribution>

  /** @param bounds upper bounds of the buckets, ascending. */
  constructor(name: string, help: string, bounds: readonly number[], ...labels: readonly string[]) {
    this.#metric = { name, help, labels }
    this.#bounds = bounds
    this.#series = new Series(labels, () => new Distribution(bounds))
  }

  of(...values: readonly string[]): Distribution {
    return this.#series.of(values)
  }

  text(): string {
    const { name } = this.#metric
    let text = head(this.#metric, 'histogram')
    for (const [key, distribution] of this.#series.all) {
      const inner = key === '' ? '' : `${key.slice(1, -1)},`
      let sum = 0
      for (const [i, count] of distribution.counts.entries()) {
        sum += count
        const bound = this.#bounds[i]
        text += `${name}_bucket{${inner}le="${bound === undefined ? '+Inf' : number(bound)}"} ${sum}\n`
      }
      text += `${name}_count${key} ${sum}\n${name}_sum${key} ${number(distribution.sum)}\n`
    }
    return text
  }
}

export class Distribution {
  readonly counts: number[]
  readonly #bounds: readonly number[]
  sum = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.counts = [...bounds.map(() => 0), 0]
  }

  add(value: number): void {
    const bounds = this.#bounds
    let at = 0
    while (at < bounds.length && value > bounds[at]!) at++
    this.counts[at]!++
    this.sum += value
  }
}

/** A value with its labels. */
export type Sample = readonly [value: number, ...labels: string[]]

/** A value that is computed on request: one number, or one for each combination of label values. */
export class Gauge implements Metric {
  readonly #metric: Named
  readonly #now: () => number | undefined | readonly Sample[]

  /** @param now undefined: not known, and left out. */
  constructor(name: string, help: string, now: () => number | undefined | readonly Sample[], ...labels: string[]) {
    this.#metric = { name, help, labels }
    this.#now = now
  }

  text(): string {
    const { name, labels } = this.#metric
    const now = this.#now()
    if (now === undefined) return ''
    const all: readonly Sample[] = typeof now === 'number' ? [[now]] : now
    const byLabels = new Map(all.map(([value, ...values]) => [labelText(labels, values), value]))
    const { type, suffix } = this.kind
    return head(this.#metric, type) + samples(name + suffix, byLabels, (value) => value)
  }

  protected get kind(): { readonly type: string; readonly suffix: string } {
    return { type: 'gauge', suffix: '' }
  }
}

/** A counter whose value another part of the program keeps. */
export class CountedElsewhere extends Gauge {
  protected override get kind(): { readonly type: string; readonly suffix: string } {
    return { type: 'counter', suffix: '_total' }
  }
}

/** The whole text of `/metrics`. */
export function metricsText(metrics: readonly Metric[]): string {
  return `${metrics.map((metric) => metric.text()).join('')}# EOF\n`
}

const other = 'other'

function head({ name, help }: Named, type: string): string {
  return `# TYPE ${name} ${type}\n# HELP ${name} ${escaped(help)}\n`
}

function samples<T>(name: string, byLabels: ReadonlyMap<string, T>, valueOf: (one: T) => number): string {
  let text = ''
  for (const [key, one] of byLabels) text += `${name}${key} ${number(valueOf(one))}\n`
  return text
}

function number(value: number): string {
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : value < 0 ? '-Inf' : 'NaN'
}

function labelText(labels: readonly string[] = [], values: readonly string[]): string {
  if (labels.length === 0) return ''
  return `{${labels.map((label, i) => `${label}="${escaped(values[i] ?? '')}"`).join(',')}}`
}

function escaped(text: string): string {
  return /["\\\n]/.test(text) ? text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n') : text
}
