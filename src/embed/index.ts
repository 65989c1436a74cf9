/** The public API of `pennypost`: the whole system inside another program. */
export { createSystem } from './create-system.ts'
export type { CreateSystemOptions, SystemConfig } from './options.ts'
export { RunningSystem } from './running-system.ts'
export type { Listening, MailService, WaitOptions } from './running-system.ts'
export { StoredMessage } from './stored-message.ts'
export { ConfigError } from '../config/fault.ts'
export type { ConfigFault } from '../config/fault.ts'
export type { Log, LogFacts } from '../base/log.ts'
