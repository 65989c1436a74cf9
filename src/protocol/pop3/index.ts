/** `pennypost/pop3`: a POP3 server session as a library. */
export { Pop3Refusal } from './backend.ts'
export type { Pop3Backend, Pop3Maildrop, Pop3Message } from './backend.ts'
export { Pop3Session } from './session.ts'
export type { Pop3Options } from './state.ts'
