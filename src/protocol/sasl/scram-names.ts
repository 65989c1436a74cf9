/** What both sides of SCRAM share: names, hashes, kinds of binding. */
import type { ChannelBindingType } from '../../base/network.ts'
import type { ScramHash } from './authenticator.ts'

/** The better first: tls-exporter is of this very connection, the other of the certificate. */
export const bindingTypes: readonly ChannelBindingType[] = ['tls-exporter', 'tls-server-end-point']

/** As node:crypto calls them. */
export const digestOf: Readonly<Record<ScramHash, string>> = { 'sha-256': 'sha256', 'sha-1': 'sha1' }

export const digestBytes: Readonly<Record<ScramHash, number>> = { 'sha-256': 32, 'sha-1': 20 }

export function scramName(hash: ScramHash, plus: boolean): string {
  return `SCRAM-${hash.toUpperCase()}${plus ? '-PLUS' : ''}`
}
