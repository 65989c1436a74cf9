/** NOOP: nothing, politely. RFC 1939 §5. */
import { command } from '../command.ts'
import { ok } from '../reply.ts'

export const noop = command({ name: 'NOOP', states: ['transaction'], run: (state) => ok(state.words.here) })
