/** Tells a service manager how we are: sd_notify(3), by the program that speaks it, since datagrams of Unix sockets are not Node's. */
import { execFile } from 'node:child_process'

/** Nobody waits longer for a message that only informs. */
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
