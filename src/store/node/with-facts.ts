/** The facts of messages that are filed: made here, once, where no caller has read the message already. */
import { bytesOf } from '../../base/bytes.ts'
import { factsHead, factsOfContent, isFiled } from '../facts.ts'
import type { Operation } from '../operations.ts'

type Arrival = Extract<Operation, { kind: 'arrive' | 'append' }>

function lacksFacts(operation: Operation): operation is Arrival {
  if (operation.kind !== 'arrive' && operation.kind !== 'append') return false
  return operation.facts === undefined && (operation.kind === 'append' || isFiled(operation))
}

/** @returns a promise only where a content must be read. */
export function withFacts<Ops extends readonly Operation[]>(operations: Ops): Ops | Promise<Ops> {
  if (!operations.some(lacksFacts)) return operations
  const complete = operations.map((operation) => (lacksFacts(operation) ? withItsFacts(operation) : operation))
  const isReady = complete.every((operation) => !(operation instanceof Promise))
  return (isReady ? complete : Promise.all(complete)) as unknown as Ops | Promise<Ops>
}

function withItsFacts(operation: Arrival): Arrival | Promise<Arrival> {
  // What submission added stands in every copy.
  const prefix = operation.kind === 'append' ? '' : (operation.filings[0] ?? operation.queue!).prefix
  const filed = factsOfContent(operation.content, bytesOf(factsHead(prefix)))
  return filed instanceof Promise
    ? filed.then(({ facts }) => ({ ...operation, facts }))
    : { ...operation, facts: filed.facts }
}
