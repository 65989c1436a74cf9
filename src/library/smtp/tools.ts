/** The real platform, as clients here use it. */
import { hostname } from 'node:os'
import { silentLog } from '../../base/log.ts'
import { Wheel } from '../../base/wheel.ts'
import { realClock } from '../../platform/real/clock.ts'

/** Shared by all connections; ticks only while there are any. */
const wheel = new Wheel(realClock)

export const clientTools = { clock: realClock, wheel, log: silentLog }

/** Our name in EHLO: this machine's if it is fully qualified, else an address literal that reveals as little. RFC 5321 §4.1.4. */
export function ownName(): string {
  const name = hostname()
  return /^[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+$/.test(name) ? name : '[127.0.0.1]'
}
