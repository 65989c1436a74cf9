/** NOOP: nothing, politely. RFC 1939 §5. */
import type { Pop3Command } from '../command.ts'
import { ok } from '../reply.ts'

export const noop: Pop3Command = { name: 'NOOP', state: 'transaction', run: (state) => ok(state.words.here) }
