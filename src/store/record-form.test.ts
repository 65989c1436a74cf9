import assert from 'node:assert/strict'
import { test } from 'node:test'
import { domainDestination, localDestination } from '../mail/destination.ts'
import { recordQueue, storedDestination } from './record-form.ts'

const parameters = { body: '7bit', smtpUtf8: false } as const

test('a record names destinations as every version did, so that each understands the records of the others', () => {
  const recipients = [
    { address: 'a@example.net', destination: domainDestination('example.net'), parameters },
    { address: 'b@example.org', destination: localDestination, parameters },
  ]
  const record = recordQueue({ reversePath: '', recipients, prefix: '', firstAttemptMs: 0, expiresAtMs: 1 })
  const read = JSON.parse(JSON.stringify(record)) as { recipients: { destination: string }[] }
  assert.deepEqual(
    read.recipients.map(({ destination }) => destination),
    ['example.net', '(local)'],
  )
  assert.deepEqual(
    read.recipients.map(({ destination }) => storedDestination(destination)),
    ['example.net', '(local)'],
  )
  assert.equal(storedDestination({ kind: 'host', host: 'relay.example', port: 25 }), '=relay.example:25')
})
