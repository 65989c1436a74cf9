/** Operations as records have them: a destination as its key, as all versions wrote it. */
import { destinationKey, type Destination, type DestinationKey } from '../mail/destination.ts'
import type { QueueRequest } from './operations.ts'

export function recordQueue(queue: QueueRequest): object {
  const recipients = queue.recipients.map(({ address, destination, parameters, turnMs }) => ({
    address,
    destination: storedDestination(destination),
    parameters,
    turnMs,
  }))
  return { ...queue, recipients }
}

/** @param given of an operation, or of one that was read from a record. */
export function storedDestination(given: Destination | DestinationKey): DestinationKey {
  return typeof given === 'string' ? given : destinationKey(given)
}
