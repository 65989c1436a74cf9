/** NOOP: nothing, politely. RFC 1939 §5. */
import { ok, type Pop3Command } from '../command.ts'

export const noop: Pop3Command = { name: 'NOOP', state: 'transaction', run: (state) => ok(state.words.here) }
