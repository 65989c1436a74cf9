/** A row of the tables of parsers: what is fed to it, how much at most, and which exports that covers. */
import { repeated, shapesOf, type Shape } from './shapes.ts'

export interface Parser {
  readonly name: string
  /** Exported functions and classes that this row calls, directly or through others. */
  readonly covers: readonly string[]
  /** Its own limit, or that of what it gets its input from; growth is looked at up to twice as much. */
  readonly sizeMax: number
  readonly shapes: readonly Shape[]
  run(input: string): unknown
}

/** Of a field, a header. */
export const headerMax = 1_048_576
/** Of a DNS answer over TCP, a TXT record included. */
export const dnsMax = 65_535
/** Bodies have no limit of their own but the message's: so much shows how they grow. */
export const bodyMax = 131_072

interface Row {
  readonly covers: readonly string[]
  readonly sizeMax: number
  readonly tokens: readonly string[]
  /** What stands before them: behind the first all shapes, behind the others each token over and over. */
  readonly before?: readonly string[]
  readonly after?: string
  run(input: string): unknown
}

export function parser(name: string, { covers, sizeMax, tokens, before = [''], after = '', run }: Row): Parser {
  return {
    name,
    covers,
    sizeMax,
    shapes: before.flatMap((start, at) => (at === 0 ? shapesOf(tokens, start, after) : repeated(tokens, start, after))),
    run,
  }
}

/** A refusal is an answer: only what it costs is looked at. */
export function tried(work: () => unknown): unknown {
  try {
    return work()
  } catch {
    return undefined
  }
}

export const latin1Bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
