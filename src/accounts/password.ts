/** Passwords at rest: Argon2id to check a password, SCRAM keys for clients that prove it without sending it. RFC 9106, RFC 5802, RFC 7677. */
import { createHmac, pbkdf2, randomBytes, createHash } from 'node:crypto'
import { promisify } from 'node:util'
import type * as Argon from '@node-rs/argon2'
import { saslprep } from '@mongodb-js/saslprep'

const derive = promisify(pbkdf2)

/** OWASP's second choice: a login costs 19 MiB for some 20 ms; 64 MiB a login would let few clients fill the memory. */
const argonOptions = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

/** RFC 7677 §4 asks for 4,096 at least; passwords are guessed on graphics cards today. */
export const scramIterations = 100_000

/** A password this long is enough for every phrase; a longer one is work for an attacker to give us. */
export const passwordBytesMax = 1024

/** The least length that an account's password may have; what else makes a good one is the operator's to say. */
export const passwordLengthMin = 8

async function argon2(): Promise<typeof Argon> {
  return import('@node-rs/argon2')
}

/** RFC 4013; a password with characters that SASLprep forbids is taken as it is, as RFC 5802 §2.2 allows for stored ones. */
export function preparePassword(password: string): string {
  try {
    return saslprep(password)
  } catch {
    return password
  }
}

export function hashPassword(password: string): Promise<string> {
  return argon2().then(({ hash }) => hash(preparePassword(password), argonOptions))
}

export async function checkPassword(hash: string, password: string): Promise<boolean> {
  if (Buffer.byteLength(password) > passwordBytesMax) return false
  const { verify } = await argon2()
  return verify(hash, preparePassword(password))
}

/** RFC 5803's form: `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`. */
export async function scramKeys(password: string): Promise<string> {
  const salt = randomBytes(16)
  const salted = await derive(preparePassword(password), salt, scramIterations, 32, 'sha256')
  const key = (name: string): Buffer => createHmac('sha256', salted).update(name).digest()
  const stored = createHash('sha256').update(key('Client Key')).digest('base64')
  return `SCRAM-SHA-256$${scramIterations}:${salt.toString('base64')}$${stored}:${key('Server Key').toString('base64')}`
}

/** A password that people can read out: 80 bits in groups of four. @param bytes sixteen, random. */
export function easyPassword(bytes: Uint8Array): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789x'
  const letters = [...bytes].map((byte) => alphabet[byte & 31]).join('')
  return letters.replace(/.{4}(?=.)/g, '$&-')
}
