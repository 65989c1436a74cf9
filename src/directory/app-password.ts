/**
 * App passwords: one for each program or device, made by us, revoked one by one. They hold 80 random bits, so one keyed hash keeps them
 * as safe as Argon2 keeps what people think of; and a wrong password then costs one Argon2 hash however many of them there are.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Credentials of this type, named by their program. */
export const appCredential = 'app'
/** When each was used last, under the same name: a row of its own, so that noting it can never bring back what was revoked. */
export const appUsedCredential = 'app-used'

/** More than anybody has devices; each is looked at with every sign-in. */
export const appPasswordsMax = 100
/** A name is for people, in a list. */
export const appNameLengthMax = 64

const saltBytes = 16

function digest(salt: Uint8Array, password: string): Buffer {
  // Spaces and hyphens are how it is shown, and how people type it differs.
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

/** A name for a credential that tells nothing of it: what a session carries. */
export function credentialDigest(value: string): string {
  return createHash('sha256').update(value).digest('base64url').slice(0, 16)
}
