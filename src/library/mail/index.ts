/** The public API of `pennypost/mail`: internet messages, read from bytes and composed. */
export * from '../../mail/index.ts'
// These check what they are given, and need less: they stand in front of the room's own of the same names.
export { composeMessage } from './compose.ts'
export type { ComposeOptions } from './draft-options.ts'
export { deliveryReport, dispositionReport, feedbackReport } from './reports.ts'
export { inspectMessage, readMessage, readStream } from './read.ts'
export type { MessageSource } from './read.ts'
