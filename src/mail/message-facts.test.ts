import assert from 'node:assert/strict'
import { test } from 'node:test'
import { baseSubject } from './base-subject.ts'
import { messageFacts } from './message-facts.ts'
import { parseMessageIds } from './message-ids.ts'
import { parseStructure } from './mime/structure.ts'

test('the facts of a message', () => {
  const facts = messageFacts(
    parseStructure(
      Buffer.from(
        'Received: a; Mon, 1 Jan 2024 00:00:00 +0000\r\nReceived: b\r\nDate: Thu, 1 Jan 1970 23:30:00 -0500\r\nFrom: Jo <jo@a.org>, ann@b.org\r\n' +
          'Subject: Re: hello\r\nMessage-ID: <3@a>\r\nReferences: <1@a>\r\n <2@a>\r\nIn-Reply-To: <2@a> from <4@a>\r\n\r\nhi\r\n',
      ),
    ),
  )
  assert.equal(facts.hopCount, 2)
  assert.equal(facts.sentDay, 0)
  assert.equal(facts.hasDate && facts.hasMessageId, true)
  assert.deepEqual(facts.messageIdKeys, { messageId: '3@a', references: ['1@a', '2@a', '4@a'] })
  assert.deepEqual(facts.baseSubject, { text: 'hello', isReplyOrForward: true })
  assert.deepEqual(
    facts.authors.mailboxes.map((one) => `${one.localPart}@${one.domain}`),
    ['jo@a.org', 'ann@b.org'],
  )
  assert.equal(Buffer.from(facts.body).toString(), '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 4 1)')
  assert.equal(
    Buffer.from(facts.envelope).toString().startsWith('("Thu, 1 Jan 1970 23:30:00 -0500" "Re: hello" '),
    true,
  )
})

test('a message without a header has facts too', () => {
  const facts = messageFacts(parseStructure(Buffer.from('')))
  assert.equal(Buffer.from(facts.envelope).toString(), '(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)')
  assert.deepEqual(
    [facts.hopCount, facts.sentDay, facts.hasDate, facts.hasMessageId, facts.authors.fields],
    [0, undefined, false, false, 0],
  )
})

test('hostile subjects and ids do not hold it (the time limit of the runner would tell)', () => {
  for (const unit of ['re:', '[a]', '[fwd:', '(fwd)', ' ', '[', '=?utf-8?q?re:?= ', '<', '<a>', '>']) {
    baseSubject(unit.repeat(1_000_000 / unit.length))
    parseMessageIds(unit.repeat(1_000_000 / unit.length))
  }
})

test('a subject that is only a tag keeps it, and forwards are peeled', () => {
  assert.deepEqual(baseSubject('[list]'), { text: '[list]', isReplyOrForward: false })
  assert.deepEqual(baseSubject('[fwd: [x] Re: a (fwd)]'), { text: 'a', isReplyOrForward: true })
  assert.deepEqual(baseSubject('=?utf-8?Q?Re=3A_caf=C3=A9?='), { text: 'café', isReplyOrForward: true })
})
