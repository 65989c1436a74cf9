/** `sendmail -bs`: SMTP on standard input and output, as mail programs speak it to a local server without a port. */
import type { Config } from '../../config/config.ts'
import { pipeStdio } from '../../platform/real/unix-network.ts'

/** Bytes pass both ways until the server closes: it is the server's own session that answers. */
export async function speakSmtp({ submitSocket }: Config, say: (text: string) => void): Promise<number> {
  try {
    await pipeStdio(submitSocket)
    return 0
  } catch (error) {
    say(`no server listens on ${submitSocket} (${(error as Error).message}): start "pennypost serve"`)
    return 75
  }
}
