/**
 * App passwords: one for each program or device, generated, revoked one by one. They have 80 random bits, so a keyed hash is as safe for
 * them as Argon2 for passwords that people choose; and a wrong password costs one Argon2 hash, however many app passwords there are.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** The credential type; a credential is named after its program. */
export const appCredential = 'app'
/** The time of the last use, under the same name. A separate row, so that recording it can never restore a revoked password. */
export const appUsedCredential = 'app-used'

/** More than a user has devices; each is compared at every sign-in. */
export const appPasswordsMax = 100
/** The name is only for display, in a list. */
export const appNameLengthMax = 64

const saltBytes = 16

function digest(salt: Uint8Array, password: string): Buffer {
  // Spaces and hyphens are only for display, and users type them in different ways.
  return createHmac('sha256', salt).update(password.replace(/[\s-]/g, '')).digest()
}

/** `SHA-256$createdAtMs$salt$hash` */
export function formatAppPassword(password: string, createdAtMs: number): string {
  const salt = randomBytes(saltBytes)
  return `SHA-256$${createdAtMs}$${salt.toString('base64')}$${digest(salt, password).toString('base64')}`
}

export function checkAppPassword(value: string, password: string): boolean {
  const [kind, , salt, hash] = value.split('$')
  if (kind !== 'SHA-256' || salt === undefined || hash === undefined) return false
  const wanted = Buffer.from(hash, 'base64')
  const given = digest(Buffer.from(salt, 'base64'), password)
  return wanted.length === given.length && timingSafeEqual(wanted, given)
}

/** @returns epoch milliseconds; 0 for a value of another form. */
export function appPasswordCreatedAtMs(value: string): number {
  return Number(value.split('$')[1] ?? 0) || 0
}

/** A name for a credential that reveals nothing about it, for sessions to keep. */
export function credentialDigest(value: string): string {
  return createHash('sha256').update(value).digest('base64url').slice(0, 16)
}
