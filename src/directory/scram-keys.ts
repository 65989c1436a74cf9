/** SCRAM keys, for clients that prove a password without sending it, and the preparation of passwords. RFC 5802, RFC 7677, RFC 4013. */
import { createHmac, pbkdf2, randomBytes, createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { saslprep } from '@mongodb-js/saslprep'

const derive = promisify(pbkdf2)

/** RFC 7677 §4 requires at least 4,096; today passwords are guessed on graphics cards. */
export const scramIterations = 100_000

export const scramSaltBytes = 16

/** RFC 4013. A password with characters that SASLprep prohibits is left unchanged, as RFC 5802 §2.2 allows for stored ones. */
export function preparePassword(password: string): string {
  try {
    return saslprep(password)
  } catch {
    return password
  }
}

/** The supported hashes. */
export type ScramHash = 'sha-256' | 'sha-1'

const digests: Readonly<Record<ScramHash, { readonly name: string; readonly bytes: number }>> = {
  'sha-256': { name: 'sha256', bytes: 32 },
  'sha-1': { name: 'sha1', bytes: 20 },
}

/** RFC 5803's form: `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`. */
export async function scramKeys(password: string, hash: ScramHash = 'sha-256'): Promise<string> {
  const { name, bytes } = digests[hash]
  const salt = randomBytes(scramSaltBytes)
  const salted = await derive(preparePassword(password), salt, scramIterations, bytes, name)
  const key = (word: string): Buffer => createHmac(name, salted).update(word).digest()
  const stored = createHash(name).update(key('Client Key')).digest('base64')
  return `SCRAM-${hash.toUpperCase()}$${scramIterations}:${salt.toString('base64')}$${stored}:${key('Server Key').toString('base64')}`
}

/** What `scramKeys` wrote, in bytes. */
export interface ParsedScramKeys {
  readonly salt: Uint8Array
  readonly iterations: number
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

/** @returns undefined for another form or another hash. */
export function parseScramKeys(text: string, hash: ScramHash): ParsedScramKeys | undefined {
  const found = /^(SCRAM-SHA-(?:256|1))\$(\d{1,9}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)$/.exec(text)
  if (found?.[1] !== `SCRAM-${hash.toUpperCase()}`) return undefined
  const [, , iterations, salt, stored, server] = found
  const bytes = (base64: string | undefined): Buffer => Buffer.from(base64!, 'base64')
  const keys = {
    salt: bytes(salt),
    iterations: Number(iterations),
    storedKey: bytes(stored),
    serverKey: bytes(server),
  }
  return keys.storedKey.length === digests[hash].bytes && keys.serverKey.length === digests[hash].bytes
    ? keys
    : undefined
}

/**
 * Keys for an unknown user. The same name always gets the same salt, as a real user does. RFC 5802 §9 leaves this to us.
 * @param secret kept in the store: a new one after a restart would reveal which users exist.
 */
export function decoyScramKeys(secret: Uint8Array, name: string, hash: ScramHash): ParsedScramKeys {
  const { bytes } = digests[hash]
  const part = (what: string): Buffer => createHmac('sha256', secret).update(`${what} ${hash} ${name}`).digest()
  return {
    salt: part('salt').subarray(0, scramSaltBytes),
    iterations: scramIterations,
    // No password fits these.
    storedKey: part('stored').subarray(0, bytes),
    serverKey: part('server').subarray(0, bytes),
  }
}
