/** Commands for TLS of the running server. */
import { command } from './control-command.ts'

export const tlsCommands = {
  /** The certificates (DER as base64) in use for these names; null without a running server. */
  certificatesShown: command({ names: 'texts' }, ({ certificateShown }, { names }) => ({
    certificates: names.map((name) => {
      const shown = certificateShown?.(name)
      return shown === undefined ? null : Buffer.from(shown).toString('base64')
    }),
  })),
}
