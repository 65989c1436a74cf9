/** What the queue does for a message at the moment of its commit: declared here, since the queue stands above. */
import type { Operation } from '../store/operations.ts'

export type Arrive = Extract<Operation, { kind: 'arrive' }>

/** Asked for each arrival that others are to have. */
export interface ImmediateDelivery {
  /** @returns the operation as it is to be committed. */
  claim(operation: Arrive): Arrive
  /** The commit was refused. */
  cancel(arrivalId: string): void
}
