/** The public API of `pennypost/mail`: internet messages, read from bytes and composed. */
export * from '../../mail/index.ts'
// These replace the exports of the same names above: they check their arguments and require fewer of them.
export { composeMessage } from './compose.ts'
export type { ComposeOptions } from './draft-options.ts'
export { deliveryReport, dispositionReport, feedbackReport } from './reports.ts'
export { inspectMessage, readMessage, readStream } from './read.ts'
export type { MessageSource } from './read.ts'
