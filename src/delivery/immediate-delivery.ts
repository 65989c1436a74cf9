/** Lets the queue claim an arrival at its commit. Declared here, as the queue is on a higher floor. */
import type { Operation, QueuedIds } from '../store/operations.ts'

export type Arrive = Extract<Operation, { kind: 'arrive' }>

/** Called for each arrival with queued recipients. */
export interface ImmediateDelivery {
  /** @returns the operation to commit. */
  claim(operation: Arrive): Arrive
  /** It is committed: the queue has it from now on. */
  committed(arrivalId: string, queued: QueuedIds): void
  /** The commit was refused. */
  cancel(arrivalId: string): void
}
