/** Postfix between two of our systems, on a port of its own. */
import { freePort } from '../support/free-port.ts'
import { startPrivatePostfix } from '../support/private-postfix.ts'

export interface Postfix {
  readonly port: number
  stop(): Promise<void>
}

/** @param settings of main.cf beside those that let it run here. */
export async function startPostfix(folder: string, settings: Readonly<Record<string, string>>): Promise<Postfix> {
  const port = await freePort()
  const { stop } = await startPrivatePostfix(folder, {
    listeners: [`127.0.0.1:${port} inet n - n - 10 smtpd`],
    settings: {
      myhostname: 'mx.postfix.example',
      smtpd_relay_restrictions: 'reject_unauth_destination',
      ...settings,
    },
  })
  return { port, stop }
}
