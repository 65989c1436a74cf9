/** Reports our state to a service manager: sd_notify(3), by calling systemd-notify, since Node has no Unix datagram sockets. */
import { execFile } from 'node:child_process'

/** Not longer, since it is only information. */
const timeoutMs = 5000

/** @param states as `READY=1`, `STOPPING=1`, `STATUS=…`. Without a service manager nothing happens. @returns whether it was told. */
export function notifyServiceManager(
  environment: Readonly<Record<string, string | undefined>>,
  ...states: readonly string[]
): Promise<boolean> {
  if (!environment['NOTIFY_SOCKET']) return Promise.resolve(false)
  return new Promise((resolve) => {
    execFile('systemd-notify', [`--pid=${process.pid}`, ...states], { timeout: timeoutMs }, (error) => resolve(!error))
  })
}
