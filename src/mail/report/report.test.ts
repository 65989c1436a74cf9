import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { composeMessage } from '../compose/message.ts'
import type { PartDraft } from '../compose/part.ts'
import { readMessage } from '../view/read-message.ts'
import { deliveryReport, dispositionReport, feedbackReport } from './compose-report.ts'
import { formatDeliveryStatus, parseDeliveryStatus } from './delivery-status.ts'
import { formatDispositionNotification, parseDispositionNotification } from './disposition.ts'
import { formatFeedbackReport, parseFeedbackReport } from './feedback.ts'
import { reportBytesMax } from './fields.ts'
import { readReport } from './read-report.ts'

const bytesOf = (...lines: string[]): Uint8Array => Buffer.from(lines.map((line) => `${line}\r\n`).join(''))
let made = 0
const unique = (): string => `unique${String(made++).padStart(6, '0')}`
async function sent(body: PartDraft, allowed: '7bit' | '8bit' = '7bit'): Promise<Uint8Array> {
  return composeMessage({ from: 'a@example.org', body }, { nowMs: 0, hostname: 'h.example', unique, allowed }).bytes()
}

test('RFC 3464 appendix E: the first delivery status that it shows', () => {
  const status = parseDeliveryStatus(
    bytesOf(
      'Reporting-MTA: dns; cs.utk.edu',
      '',
      'Original-Recipient: rfc822;louisl@larry.slip.umd.edu',
      'Final-Recipient: rfc822;louisl@larry.slip.umd.edu',
      'Action: failed',
      'Status: 4.0.0',
      'Diagnostic-Code: smtp; 426 connection timed out',
      'Last-Attempt-Date: Thu, 7 Jul 1994 17:15:49 -0400',
    ),
  )
  const louis = { type: 'rfc822', value: 'louisl@larry.slip.umd.edu' }
  assert.deepEqual(status, {
    reportingMta: { type: 'dns', value: 'cs.utk.edu' },
    extensions: [],
    recipients: [
      {
        originalRecipient: louis,
        finalRecipient: louis,
        action: 'failed',
        status: '4.0.0',
        diagnosticCode: { type: 'smtp', value: '426 connection timed out' },
        lastAttemptDate: { epochMs: Date.UTC(1994, 6, 7, 21, 15, 49), offsetMinutes: -240 },
        extensions: [],
      },
    ],
  })
})

test('oddities of senders are read, and what makes no sense is kept', () => {
  const { recipients, extensions, reportingMta } = parseDeliveryStatus(
    bytesOf(
      'reporting-mta: mx.example',
      'X-Queue: 1',
      'Arrival-Date: soon',
      'Final-Recipient: <a@example.org>',
      'Action: FAILED (really)',
      'Status: 550 5.1.1 (no such user)',
      'Final-Recipient: RFC822 (mail) ; b@example.org',
      'Action: exploded',
      'Status: none',
      ' ',
      '',
      '',
      'X-Note: before',
      'Final-Recipient: utf-8; j\\x{FC}rgen@example.org',
      'Diagnostic-Code: no type here',
    ),
  )
  assert.deepEqual(reportingMta, { type: '', value: 'mx.example' })
  assert.deepEqual(
    extensions.map(({ name }) => name),
    ['X-Queue', 'Arrival-Date'],
  )
  assert.deepEqual(
    recipients.map(({ finalRecipient }) => finalRecipient),
    [
      { type: 'rfc822', value: 'a@example.org' },
      { type: 'rfc822', value: 'b@example.org' },
      { type: 'utf-8', value: 'jürgen@example.org' },
    ],
  )
  assert.equal(recipients[0]!.action, 'failed')
  assert.equal(recipients[0]!.status, '5.1.1')
  assert.deepEqual(recipients[1]!.extensions, [
    { name: 'Action', value: 'exploded' },
    { name: 'Status', value: 'none' },
  ])
  assert.deepEqual(recipients[2]!.extensions, [{ name: 'X-Note', value: 'before' }])
  assert.deepEqual(recipients[2]!.diagnosticCode, { type: '', value: 'no type here' })
})

test('a disposition: modes, type, modifiers, also where half of it is missing', () => {
  const read = (value: string): unknown => parseDispositionNotification(bytesOf(`Disposition: ${value}`)).disposition
  assert.deepEqual(read('automatic-action/MDN-sent-automatically; displayed/error, warning'), {
    actionMode: 'automatic-action',
    sendingMode: 'mdn-sent-automatically',
    type: 'displayed',
    modifiers: ['error', 'warning'],
  })
  assert.deepEqual(read('manual-action / MDN-sent-manually ; Deleted (unread)'), {
    actionMode: 'manual-action',
    sendingMode: 'mdn-sent-manually',
    type: 'deleted',
    modifiers: [],
  })
  assert.deepEqual(read('displayed'), { type: 'displayed', modifiers: [] })
  assert.equal(read(';;'), undefined)
})

test('RFC 5965 appendix B.2 and RFC 6591 appendix B: complaints, and failures of authentication', () => {
  const abuse = parseFeedbackReport(
    bytesOf(
      'Feedback-Type: abuse',
      'User-Agent: SomeGenerator/1.0',
      'Version: 1',
      'Original-Mail-From: <somespammer@example.net>',
      'Original-Rcpt-To: <user@example.com>',
      'Received-Date: Thu, 8 Mar 2005 14:00:00 EDT',
      'Source-IP: [IPv6:2001:db8::1]',
      'Authentication-Results: mail.example.com;',
      '               spf=fail smtp.mail=somespammer@example.com',
      'Reported-Domain: example.net',
      'Reported-Uri: http://example.net/earn_money.html',
      'Reported-Uri: mailto:user@example.com',
      'Incidents: 4294967296',
    ),
  )
  assert.equal(abuse.feedbackType, 'abuse')
  assert.equal(abuse.originalMailFrom, 'somespammer@example.net')
  assert.equal(abuse.sourceIp, '2001:db8::1')
  assert.equal(abuse.arrivalDate?.offsetMinutes, -240)
  assert.equal(abuse.reportedUri.length, 2)
  assert.deepEqual(abuse.extensions, [{ name: 'Incidents', value: '4294967296' }])
  const failure = parseFeedbackReport(
    bytesOf(
      'Feedback-Type: auth-failure',
      'Auth-Failure: bodyhash (altered)',
      'DKIM-Canonicalized-Body: VGhpcyBpcyBhIG1lc3NhZ2UgYm9keSB0',
      '  aGF0IGdvdA==',
      'DKIM-Domain: example.net',
      'SPF-DNS: txt : example.net : "v=spf1 -all \\"x\\""',
    ),
  )
  assert.equal(failure.authFailure, 'bodyhash')
  assert.equal(Buffer.from(failure.dkimCanonicalizedBody!).toString(), 'This is a message body that got')
  assert.deepEqual(failure.spfDns, [{ type: 'txt', domain: 'example.net', record: 'v=spf1 -all "x"' }])
})

const words = fc.stringMatching(/^[a-zA-Z0-9][ -~]{0,30}$/).map((text) => text.trim().replace(/ {2,}/g, ' '))
const word = fc.stringMatching(/^[a-z][a-z0-9.-]{0,12}$/)
const typedOf = (value: fc.Arbitrary<string>): fc.Arbitrary<{ type: string; value: string }> =>
  fc.record({ type: fc.constantFrom('dns', 'x-own', 'smtp'), value })
const address = fc.oneof(
  fc.record({ type: fc.constant('rfc822'), value: word.map((name) => `${name}@example.org`) }),
  fc.record({ type: fc.constant('utf-8'), value: word.map((name) => `${name}ü\\+😀@bücher.example`) }),
)
const date = fc.record({
  epochMs: fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1000),
  offsetMinutes: fc.integer({ min: -720, max: 720 }),
})
const extensions = fc.array(fc.record({ name: word.map((name) => `X-${name.replaceAll('.', '')}`), value: words }), {
  maxLength: 2,
})
/** Each field is there or not; absent ones have no key, as the parsers leave them out. */
const some = <T>(fields: { [key in keyof T]: fc.Arbitrary<T[key]> }, requiredKeys: (keyof T & string)[]) =>
  fc.record(fields as Record<string, fc.Arbitrary<unknown>>, { requiredKeys }) as fc.Arbitrary<unknown>

const recipientStatus = some(
  {
    originalRecipient: address,
    finalRecipient: address,
    action: fc.constantFrom('failed', 'delayed', 'delivered', 'relayed', 'expanded'),
    status: fc.constantFrom('5.1.1', '4.0.0', '2.1.5'),
    remoteMta: typedOf(word),
    diagnosticCode: typedOf(words),
    localizedDiagnostics: fc.array(fc.record({ language: fc.constantFrom('de', 'en-GB'), text: words }), {
      minLength: 1,
      maxLength: 2,
    }),
    lastAttemptDate: date,
    finalLogId: words,
    willRetryUntil: date,
    extensions,
  },
  ['finalRecipient', 'extensions'],
)
const deliveryStatus = some(
  {
    originalEnvelopeId: words,
    reportingMta: typedOf(word),
    dsnGateway: typedOf(word),
    receivedFromMta: typedOf(word),
    arrivalDate: date,
    extensions,
    recipients: fc.array(recipientStatus, { maxLength: 4 }),
  },
  ['reportingMta', 'extensions', 'recipients'],
)

test('a delivery status that was written is read back the same, in UTF-8 and in ASCII', () => {
  fc.assert(
    fc.property(deliveryStatus, fc.boolean(), (status, utf8) => {
      const text = formatDeliveryStatus(status as Parameters<typeof formatDeliveryStatus>[0], utf8)
      if (!utf8) assert.match(text, /^[\x00-\x7f]*$/)
      assert.deepEqual(parseDeliveryStatus(Buffer.from(text)), structuredClone(status))
    }),
  )
})

test('a disposition notification that was written is read back the same', () => {
  const notification = some(
    {
      reportingUa: fc.oneof(fc.record({ name: word }), fc.record({ name: word, product: words })),
      mdnGateway: typedOf(word),
      originalRecipient: address,
      finalRecipient: address,
      originalMessageId: word.map((id) => `${id}@example.org`),
      disposition: fc.record({
        actionMode: fc.constantFrom('manual-action', 'automatic-action'),
        sendingMode: fc.constantFrom('mdn-sent-manually', 'mdn-sent-automatically'),
        type: fc.constantFrom('displayed', 'deleted', 'processed'),
        modifiers: fc.array(fc.constantFrom('error', 'x-own'), { maxLength: 2 }),
      }),
      errors: fc.array(words, { maxLength: 2 }),
      failures: fc.array(words, { maxLength: 2 }),
      warnings: fc.array(words, { maxLength: 2 }),
      extensions,
    },
    ['errors', 'failures', 'warnings', 'extensions'],
  )
  fc.assert(
    fc.property(notification, (value) => {
      const text = formatDispositionNotification(value as Parameters<typeof formatDispositionNotification>[0], true)
      assert.deepEqual(parseDispositionNotification(Buffer.from(text)), structuredClone(value))
    }),
  )
})

test('a feedback report that was written is read back the same', () => {
  const bytes = fc.uint8Array({ maxLength: 300 })
  const report = some(
    {
      feedbackType: fc.constantFrom('abuse', 'auth-failure'),
      userAgent: words,
      version: fc.constant(1),
      originalEnvelopeId: words,
      originalMailFrom: fc.constantFrom('', 'a@example.org'),
      arrivalDate: date,
      reportingMta: typedOf(word),
      sourceIp: fc.constantFrom('192.0.2.1', '2001:db8::1'),
      sourcePort: fc.nat(65_535),
      incidents: fc.nat(),
      authenticationResults: fc.array(words, { maxLength: 2 }),
      originalRcptTo: fc.array(
        word.map((name) => `${name}@example.org`),
        { maxLength: 2 },
      ),
      reportedDomain: fc.array(word, { maxLength: 2 }),
      reportedUri: fc.array(fc.webUrl({ withQueryParameters: true }), { maxLength: 2 }),
      authFailure: fc.constantFrom('spf', 'signature'),
      deliveryResult: fc.constantFrom('spam', 'reject'),
      dkimDomain: word,
      dkimIdentity: word.map((name) => `@${name}`),
      dkimSelector: word,
      dkimSelectorDns: words,
      dkimAdspDns: words,
      dkimCanonicalizedHeader: bytes,
      dkimCanonicalizedBody: bytes,
      spfDns: fc.array(fc.record({ type: fc.constant('txt'), domain: word, record: words }), { maxLength: 2 }),
      identityAlignment: fc.constantFrom('none', 'dkim'),
      extensions,
    },
    ['authenticationResults', 'originalRcptTo', 'reportedDomain', 'reportedUri', 'spfDns', 'extensions'],
  )
  fc.assert(
    fc.property(report, (value) => {
      const text = formatFeedbackReport(value as Parameters<typeof formatFeedbackReport>[0])
      assert.deepEqual(parseFeedbackReport(Buffer.from(text)), structuredClone(value))
      for (const line of text.split('\r\n')) assert.ok(line.length <= 998)
    }),
  )
})

const original = Buffer.from('From: a@example.org\r\nSubject: Hällo\r\n\r\nText\r\n')

test('reports go through composeMessage and are found again, with what came back of the message', async () => {
  const status = {
    reportingMta: { type: 'dns', value: 'mx.example.org' },
    extensions: [],
    recipients: [{ finalRecipient: { type: 'utf-8', value: 'jürgen@example.org' }, action: 'failed', extensions: [] }],
  } as const
  const seven = await sent(deliveryReport({ text: 'It came back.', original }, status))
  assert.ok(seven.every((byte) => byte < 0x80))
  const delivery = readReport(readMessage(seven))
  assert.ok(delivery?.kind === 'delivery')
  assert.deepEqual(delivery.status, status)
  assert.equal(delivery.humanText?.trim(), 'It came back.')
  assert.equal(delivery.original?.kind, 'header')
  assert.equal(delivery.original.message.people('from')[0]?.address, 'a@example.org')

  const eight = await sent(deliveryReport({ text: 'x', original, utf8: true, returned: 'message' }, status), '8bit')
  const again = readReport(readMessage(eight))
  assert.ok(again?.kind === 'delivery')
  assert.deepEqual(again.status, status)
  assert.equal(again.original?.kind, 'message')
  assert.equal(again.original.message.subject, 'Hällo')
  assert.equal(again.original.message.plainText, 'Text\r\n')

  const disposition = { type: 'displayed', modifiers: [] }
  const none = { errors: [], failures: [], warnings: [], extensions: [] }
  const seen = readReport(readMessage(await sent(dispositionReport({ text: 'Seen.' }, { disposition, ...none }))))
  assert.ok(seen?.kind === 'disposition')
  assert.equal(seen.notification.disposition?.type, 'displayed')
  assert.equal(seen.original, undefined)

  const report = parseFeedbackReport(bytesOf('Feedback-Type: abuse', 'User-Agent: x/1', 'Version: 1'))
  const ascii = Buffer.from('Subject: Spam\r\n\r\nBuy\r\n')
  const complaint = readReport(
    readMessage(await sent(feedbackReport({ text: 'Spam.', original: ascii, returned: 'message' }, report))),
  )
  assert.ok(complaint?.kind === 'feedback')
  assert.deepEqual(complaint.report, report)
  assert.equal(complaint.original?.message.subject, 'Spam')
  assert.throws(() => feedbackReport({ text: 'Spam.' }, report), /needs the message/)
})

test('a message in a base64 part is read too; a report in an attached message is not', () => {
  const encoded = original.toString('base64')
  const report = [
    'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
    '',
    '--b',
    '',
    'Hello',
    '--b',
    'Content-Type: message/global-delivery-status',
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from('Reporting-MTA: dns; bücher.example\r\n').toString('base64'),
    '--b',
    'Content-Type: message/global',
    'Content-Transfer-Encoding: base64',
    '',
    encoded,
    '--b--',
  ]
  const found = readReport(readMessage(bytesOf(...report)))
  assert.ok(found?.kind === 'delivery')
  assert.equal(found.status.reportingMta?.value, 'bücher.example')
  assert.equal(found.original?.message.subject, 'Hällo')
  assert.equal(readReport(readMessage(bytesOf('Content-Type: message/rfc822', '', ...report))), undefined)
})

test('no bytes break the readers, and a huge part costs no more than its limit', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      parseDeliveryStatus(bytes)
      parseDispositionNotification(bytes)
      parseFeedbackReport(bytes)
    }),
  )
  const huge = Buffer.alloc(reportBytesMax * 2, 'Final-Recipient: rfc822; a@b\n\n')
  assert.equal(parseDeliveryStatus(huge).recipients.length, 10_000)
})
