/** Extensions that are promises about what becomes of a message later: only a receiver that keeps them may have them offered. */
export type SmtpPromise = 'SMTPUTF8' | 'DSN' | 'REQUIRETLS' | 'DELIVERBY' | 'MT-PRIORITY' | 'FUTURERELEASE'

const promiseOf: Readonly<Record<string, SmtpPromise>> = {
  SMTPUTF8: 'SMTPUTF8',
  DSN: 'DSN',
  RET: 'DSN',
  ENVID: 'DSN',
  NOTIFY: 'DSN',
  ORCPT: 'DSN',
  REQUIRETLS: 'REQUIRETLS',
  DELIVERBY: 'DELIVERBY',
  BY: 'DELIVERBY',
  'MT-PRIORITY': 'MT-PRIORITY',
  FUTURERELEASE: 'FUTURERELEASE',
  HOLDFOR: 'FUTURERELEASE',
  HOLDUNTIL: 'FUTURERELEASE',
}

/** @param word a keyword of EHLO, or of a parameter of MAIL or RCPT, in capitals. */
export function isWithheld(withheld: readonly SmtpPromise[] | undefined, word: string): boolean {
  const promise = Object.hasOwn(promiseOf, word) ? promiseOf[word] : undefined
  return promise !== undefined && withheld?.includes(promise) === true
}
