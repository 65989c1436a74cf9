/** DKIM, ARC and SPF beside mailauth, the library that most programs in Node use for it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRequire } from 'node:module'
import { arcResult, ed25519, forms, keys, messages, records, rsaPem, sealed, signed, verified } from './dkim-world.ts'

interface Status {
  readonly status: { readonly result: string }
}
interface Mailauth {
  authenticate(
    message: Buffer,
    options: object,
  ): Promise<{ readonly dkim: { readonly results: readonly Status[] }; readonly arc: Status; readonly headers: string }>
}
interface MailauthSign {
  dkimSign(
    message: Buffer,
    options: object,
  ): Promise<{ readonly signatures: string; readonly errors: readonly unknown[] }>
}
// It brings no types.
const require = createRequire(import.meta.url)
const { authenticate } = require('mailauth') as Mailauth
const { dkimSign } = require('mailauth/lib/dkim/sign') as MailauthSign

const resolver = async (name: string, type: string): Promise<string[][]> => {
  const found = type === 'TXT' ? records[name] : undefined
  if (found === undefined) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
  return [[found]]
}

const question = { ip: '192.0.2.1', helo: 'mx.example.org', mta: 'mx.example.net', sender: 'a@example.org', resolver }

test('mailauth verifies what we sign, with both kinds of key and all forms', async () => {
  for (const message of messages)
    for (const headerForm of forms)
      for (const bodyForm of forms) {
        const ours = await signed(message, keys, { headerForm, bodyForm })
        const { dkim } = await authenticate(ours, question)
        assert.deepEqual(
          dkim.results.map(({ status }) => status.result),
          ['pass', 'pass'],
          `${headerForm}/${bodyForm}`,
        )
      }
})

test('we verify what mailauth signs', async () => {
  const ed25519Pem = ed25519.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  for (const message of messages)
    for (const form of ['simple/simple', 'simple/relaxed', 'relaxed/simple', 'relaxed/relaxed']) {
      const { signatures, errors } = await dkimSign(message, {
        canonicalization: form,
        signatureData: [
          {
            signingDomain: 'example.org',
            selector: 'r',
            privateKey: rsaPem,
            algorithm: 'rsa-sha256',
            canonicalization: form,
          },
          {
            signingDomain: 'example.org',
            selector: 'e',
            privateKey: ed25519Pem,
            algorithm: 'ed25519-sha256',
            canonicalization: form,
          },
        ],
      })
      assert.deepEqual(errors, [])
      assert.deepEqual(await verified(Buffer.concat([Buffer.from(signatures), message])), ['pass', 'pass'], form)
    }
})

test('ARC: mailauth believes our seal, we believe its, and each adds to the other', async () => {
  const seal = { signingDomain: 'example.org', selector: 'r', privateKey: rsaPem }
  const byThem = async (message: Buffer): Promise<Buffer> => {
    const { headers } = await authenticate(message, { ...question, seal })
    return Buffer.concat([Buffer.from(headers), message])
  }
  const ours = await sealed(messages[0]!)
  assert.equal((await authenticate(ours, question)).arc.status.result, 'pass')
  const both = await byThem(ours)
  assert.equal(await arcResult(both), 'pass')
  const three = await sealed(both)
  assert.equal((await authenticate(three, question)).arc.status.result, 'pass')
  assert.equal(await arcResult(await byThem(messages[1]!)), 'pass')
})
