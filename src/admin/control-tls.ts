/** Commands about TLS, as the running server has it. */
import { command } from './control-command.ts'

export const tlsCommands = {
  /** The certificates (DER as base64) that clients are shown which ask for these names; null where nobody runs who could show any. */
  certificatesShown: command({ names: 'texts' }, ({ certificateShown }, { names }) => ({
    certificates: names.map((name) => {
      const shown = certificateShown?.(name)
      return shown === undefined ? null : Buffer.from(shown).toString('base64')
    }),
  })),
}
