/** Passwords at rest: Argon2id to check one; keys to prove one by are in scram-keys.ts. RFC 9106. */
import type * as Argon from '@node-rs/argon2'
import { preparePassword } from './scram-keys.ts'

/** OWASP's second choice: a login costs 19 MiB for some 20 ms; 64 MiB a login would let few clients fill the memory. */
const argonOptions = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

/** A password this long is enough for every phrase; a longer one is work for an attacker to give us. */
export const passwordBytesMax = 1024

/** The least length that an account's password may have; what else makes a good one is the operator's to say. */
export const passwordLengthMin = 8

async function argon2(): Promise<typeof Argon> {
  return import('@node-rs/argon2')
}

export function hashPassword(password: string): Promise<string> {
  return argon2().then(({ hash }) => hash(preparePassword(password), argonOptions))
}

export async function checkPassword(hash: string, password: string): Promise<boolean> {
  if (Buffer.byteLength(password) > passwordBytesMax) return false
  const { verify } = await argon2()
  return verify(hash, preparePassword(password))
}

/** A password that people can read out: 80 bits in groups of four. @param bytes sixteen, random. */
export function easyPassword(bytes: Uint8Array): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789x'
  const letters = [...bytes].map((byte) => alphabet[byte & 31]).join('')
  return letters.replace(/.{4}(?=.)/g, '$&-')
}
