/** Bytes that are no commands, up to their own end: a final dot (RFC 5321 §4.1.1.4), or a count (RFC 3030 §2). */
import type { Action } from '../action.ts'
import type { IncomingBody } from './body.ts'

export interface Intake {
  /** @returns what stands behind the end, once that has come. */
  take(chunk: Uint8Array): Uint8Array | undefined
  /** Resolves when there is room for more; undefined when there is now. */
  drained(): Promise<undefined> | undefined
  /** What the end earns. */
  end(): Action
}

export function dottedIntake(body: IncomingBody, end: () => Action): Intake {
  return { take: (chunk) => body.takeDotted(chunk), drained: () => body.drained(), end }
}

/** @param body undefined: they were out of order, and are swallowed all the same. */
export function countedIntake(octets: number, body: IncomingBody | undefined, end: () => Action): Intake {
  body?.expect(octets)
  let left = octets
  return {
    take(chunk) {
      const taken = chunk.length > left ? chunk.subarray(0, left) : chunk
      left -= taken.length
      if (taken.length > 0) body?.takeOctets(taken)
      return left === 0 ? chunk.subarray(taken.length) : undefined
    },
    drained: () => body?.drained(),
    end,
  }
}
