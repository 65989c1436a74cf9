/** What every engine of the store must do: one suite, run by each engine's test. */
import { domainDestination } from '../../mail/destination.ts'
import type { ModSeq } from '../../mail/ids.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deletedBit, flaggedBit, seenBit } from '../../mail/flags.ts'
import { timePrefix } from '../arrival-id.ts'
import type { Change } from '../changes.ts'
import type { Store } from '../store.ts'
import { addAccount, arrival, message, nowMs, refused, rowsOf, type Check } from './fixtures.ts'
import { emailChecks } from './emails.ts'
import { flagChecks } from './flags.ts'
import { lateChecks } from './late.ts'
import { promisedChecks } from './promised.ts'
import { leaseOf, queueChecks } from './queue.ts'
import { totalsChecks } from './totals.ts'

/**
 * @param open a new, empty store; `reopen` closes it and opens what it left, where the engine can.
 * @param more checks of what only engines of this kind do.
 */
export function conformance(
  engine: string,
  open: () => Promise<{ store: Store; done: () => Promise<void>; reopen?: () => Promise<Store> }>,
  more: (check: Check) => void = () => {},
): void {
  const check: Check = (name, body) => {
    test(`${engine}: ${name}`, async () => {
      const { store, done, reopen } = await open()
      try {
        await body(store, reopen)
      } finally {
        await done()
      }
    })
  }

  promisedChecks(check)
  emailChecks(check)

  check('a message is filed with its prefix, to the byte', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    const bytes = message('one')
    const [{ filed }] = await store.commit([await arrival(store, bytes, [bob.inbox])])
    assert.deepEqual(filed, [{ mailbox: bob.inbox, uid: 1 }])
    const [row] = await rowsOf(store, bob.inbox, true)
    assert.equal(row!.text, `Return-Path: <>\r\n${bytes.toString('latin1')}`)
    assert.equal(row!.sizeBytes, row!.text!.length)
    const mailbox = (await store.read.mailbox(bob.inbox))!
    assert.deepEqual([mailbox.messages, mailbox.unseen, mailbox.uidNext, mailbox.sizeBytes], [1, 1, 2, row!.sizeBytes])
    assert.equal((await store.read.accountById(bob.id))!.usedBytes, row!.sizeBytes)
  })

  check('a disabled account takes no mail, but what its owner puts there', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    const disable = (disabled: boolean) => store.commit([{ kind: 'accountSet', name: 'bob@example.org', disabled }])
    await disable(true)
    await refused(store.commit([await arrival(store, message('no'), [bob.inbox])]), 'accountDisabled')
    await disable(false)
    await store.commit([await arrival(store, message('yes'), [bob.inbox])])
    assert.equal((await rowsOf(store, bob.inbox)).length, 1)
  })

  check('a setting is set only if it is as expected', async (store) => {
    const set = (value: string, expected?: string | null) =>
      store.commit([{ kind: 'settingSet', name: 'secret', value, expected }])
    await refused(set('one', 'other'), 'changed')
    await set('one', null)
    await refused(set('two', null), 'changed')
    await set('two', 'one')
    assert.equal(await store.read.setting('secret'), 'two')
    const both = await Promise.allSettled([set('three', 'two'), set('four', 'two')])
    assert.deepEqual(
      both.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    )
  })

  check('one message to many accounts is stored once, and each has its own prefix', async (store) => {
    const names = ['a', 'b', 'c']
    const inboxes = []
    for (const name of names) inboxes.push((await addAccount(store, `${name}@example.org`)).inbox)
    const operation = await arrival(store, message('shared'), [], {
      filings: inboxes.map((mailbox, i) => ({
        mailbox,
        prefix: `Delivered-To: ${names[i]}\r\n`,
        flags: [],
        recipients: [`${names[i]}@example.org`],
      })),
    })
    await store.commit([operation])
    assert.equal((await store.read.counts()).contents, 1)
    for (const [i, inbox] of inboxes.entries()) {
      const [row] = await rowsOf(store, inbox, true)
      assert.ok(row!.text!.startsWith(`Delivered-To: ${names[i]}\r\nFrom:`))
    }
    assert.deepEqual(
      (await store.read.ledger(operation.arrivalId)).map((row) => [row.recipient, row.outcome, row.detail]),
      names.map((name) => [`${name}@example.org`, 'filed', 'INBOX 1']),
    )
  })

  check('what was refused after it was accepted ends in the ledger with its words', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    const reply = '452 4.2.2 Mailbox full'
    const operation = await arrival(store, message('one'), [bob.inbox], {
      discarded: [{ recipient: 'd@example.org', rule: 'spam' }],
      bounced: [{ recipient: 'full@example.org', reply }],
    })
    await store.commit([operation])
    assert.deepEqual(
      (await store.read.ledger(operation.arrivalId)).map((row) => [
        row.recipient,
        row.outcome,
        row.detail,
        row.endedAtMs,
      ]),
      [
        ['bob@example.org', 'filed', 'INBOX 1', nowMs],
        ['d@example.org', 'discarded', 'spam', nowMs],
        ['full@example.org', 'bounced', reply, nowMs],
      ],
    )
  })

  check(
    'arrivals of one id do not stop each other: all are filed and queued, each recipient with a row of its own',
    async (store, reopen) => {
      const bob = await addAccount(store, 'bob@example.org')
      const parameters = { body: '7bit', smtpUtf8: false } as const
      const recipients = [{ address: 'x@far.test', destination: domainDestination('far.test'), parameters }]
      const queue = { reversePath: '', recipients, prefix: '', firstAttemptMs: nowMs, expiresAtMs: nowMs + 1000 }
      const same = (): ReturnType<typeof arrival> =>
        arrival(store, message('same'), [bob.inbox], { arrivalId: `${timePrefix(nowMs)}same`, queue })
      await store.commit([await same(), await same()], { until: 'durable' })
      await Promise.all([store.commit([await same()]), store.commit([await same()], { until: 'durable' })])
      await store.commit([await same()])
      const [{ rows }] = await store.commit([{ kind: 'queueLease', nowMs, leaseMs: 1000, limit: 10 }])
      assert.equal(rows.length, 5)
      for (const row of rows)
        await store.commit([{ kind: 'queueFinish', lease: leaseOf(row), outcome: 'relayed', reply: '250', nowMs }])
      const again = reopen ? await reopen() : store
      assert.equal((await rowsOf(again, bob.inbox)).length, 5)
      const outcomes = (await again.read.ledger(`${timePrefix(nowMs)}same`)).map(({ outcome }) => outcome)
      assert.deepEqual(outcomes.sort(), [...Array(5).fill('filed'), ...Array(5).fill('relayed')])
    },
  )

  check('a commit does all or nothing', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    const good = await arrival(store, message('good'), [bob.inbox])
    const bad = await arrival(store, message('bad'), [9999])
    await refused(store.commit([good, bad]), 'noSuchMailbox')
    await refused(
      store.commit([
        { kind: 'mailboxCreate', account: bob.id, name: 'New' },
        await arrival(store, message('also good'), [bob.inbox]),
        { kind: 'mailboxDelete', account: bob.id, name: 'Missing', nowMs },
      ]),
      'noSuchMailbox',
    )
    assert.equal((await store.read.mailbox(bob.inbox))!.messages, 0)
    assert.equal((await store.read.mailbox(bob.inbox))!.uidNext, 1)
    assert.equal(await store.read.mailboxByName(bob.id, 'New'), undefined)
    assert.deepEqual(await rowsOf(store, bob.inbox), [])
    const [{ filed }] = await store.commit([await arrival(store, message('after'), [bob.inbox])])
    assert.deepEqual(filed, [{ mailbox: bob.inbox, uid: 1 }])
  })

  check('a commit of nothing is answered', async (store) => {
    assert.deepEqual(await store.commit([]), [])
    assert.deepEqual(await store.commit([], { until: 'durable' }), [])
  })

  check('many commits at once keep their order and all arrive', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    const results = await Promise.all(
      Array.from({ length: 300 }, async (_, i) => store.commit([await arrival(store, message(`m${i}`), [bob.inbox])])),
    )
    assert.deepEqual(new Set(results.map(([{ filed }]) => filed[0]!.uid)).size, 300)
    const rows = await rowsOf(store, bob.inbox, true)
    assert.deepEqual(
      rows.map((row) => row.uid),
      Array.from({ length: 300 }, (_, i) => i + 1),
    )
    const subjects = rows.map((row) => /Subject: (m\d+)/.exec(row.text!)![1])
    assert.equal(new Set(subjects).size, 300)
  })

  check('a large body streams through a file and back', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    const bytes = Buffer.concat([message('large'), Buffer.alloc(5_000_000, 'abcdefghijklmnopqrstuvwxyz\r\n')])
    await store.commit([await arrival(store, bytes, [bob.inbox])])
    const [row] = await rowsOf(store, bob.inbox, true)
    assert.equal(row!.text, `Return-Path: <>\r\n${bytes.toString('latin1')}`)
  })

  check('quota refuses what does not fit, and gives room back at expunge', async (store) => {
    const bob = await addAccount(store, 'bob@example.org', 1000)
    await store.commit([await arrival(store, message('one', 'x'.repeat(500)), [bob.inbox])])
    await refused(store.commit([await arrival(store, message('two', 'x'.repeat(500)), [bob.inbox])]), 'overQuota')
    await refused(
      store.commit([{ kind: 'copy', mailbox: bob.inbox, uids: [[1, 1]], target: bob.trash, nowMs }]),
      'overQuota',
    )
    await store.commit([{ kind: 'flags', mailbox: bob.inbox, uids: [[1, 1]], mode: 'add', flags: ['\\Deleted'] }])
    await store.commit([{ kind: 'expunge', mailbox: bob.inbox, nowMs }])
    assert.equal((await store.read.accountById(bob.id))!.usedBytes, 0)
    await store.commit([await arrival(store, message('two', 'x'.repeat(500)), [bob.inbox])])
  })

  check('flags change by bit, unchanged messages keep their modSeq', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    for (let i = 0; i < 5; i++) await store.commit([await arrival(store, message(`m${i}`), [bob.inbox])])
    const table = await store.read.table(bob.inbox)
    const before = table.view().modSeqs.slice(0, 5)
    await store.commit([
      { kind: 'flags', mailbox: bob.inbox, uids: [[2, 3]], mode: 'add', flags: ['\\Seen', 'Custom'] },
    ])
    const [{ modSeq }] = await store.commit([
      { kind: 'flags', mailbox: bob.inbox, uids: [[1, 4]], mode: 'add', flags: ['\\Seen'] },
    ])
    const view = table.view()
    assert.deepEqual(
      [...view.modSeqs.slice(0, 5)].map((one) => one === modSeq),
      [true, false, false, true, false],
    )
    assert.deepEqual(
      [...view.flagsLow.slice(0, 5)].map((low) => (low & seenBit) !== 0),
      [true, true, true, true, false],
    )
    const bit = table.flagNames.indexOf('Custom')
    assert.ok(bit > 0)
    assert.deepEqual(
      [...view.flagsLow.slice(0, 5)].map((low) => (low & (1 << bit)) !== 0),
      [false, true, true, false, false],
    )
    assert.equal(view.modSeqs[3], modSeq)
    assert.equal(view.modSeqs[4], before[4])
    assert.ok(view.modSeqs[1]! > before[1]! && view.modSeqs[1]! < modSeq)
    assert.equal((await store.read.mailbox(bob.inbox))!.unseen, 1)
    const [second] = await store.commit([
      {
        kind: 'flags',
        mailbox: bob.inbox,
        uids: [[1, 5]],
        mode: 'replace',
        flags: ['\\Flagged'],
        unchangedSince: before[4]! as ModSeq,
      },
    ])
    assert.deepEqual(second.failed, [1, 2, 3, 4])
    assert.equal(table.view().modSeqs[4], second.modSeq)
    assert.equal(table.view().flagsLow[4], flaggedBit)
    table.release()
  })

  check('an account has a limited number of keywords, and says so', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    await store.commit([await arrival(store, message('m'), [bob.inbox])])
    const flags = Array.from({ length: 60 }, (_, i) => `k${i}`)
    await refused(
      store.commit([{ kind: 'flags', mailbox: bob.inbox, uids: [[1, 1]], mode: 'add', flags }]),
      'tooManyKeywords',
    )
    const table = await store.read.table(bob.inbox)
    assert.ok(!table.flagNames.includes('k0'))
    await store.commit([{ kind: 'flags', mailbox: bob.inbox, uids: [[1, 1]], mode: 'add', flags: flags.slice(0, 40) }])
    await store.commit([{ kind: 'flags', mailbox: bob.inbox, uids: [[1, 1]], mode: 'remove', flags: ['K39'] }])
    const bit = table.flagNames.indexOf('k38')
    assert.equal(table.view().flagsHigh[0]! & (1 << (bit - 31)), 1 << (bit - 31))
    assert.equal(table.view().flagsHigh[0]! & (1 << (bit - 30)), 0)
    table.release()
  })

  check('expunge takes what is deleted, UIDs are never given again', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    for (let i = 0; i < 4; i++) await store.commit([await arrival(store, message(`m${i}`), [bob.inbox])])
    await store.commit([{ kind: 'flags', mailbox: bob.inbox, uids: [[2, 4]], mode: 'add', flags: ['\\Deleted'] }])
    const [{ expunged }] = await store.commit([{ kind: 'expunge', mailbox: bob.inbox, uids: [[3, 9]], nowMs }])
    assert.deepEqual(expunged, [[3, 4]])
    assert.deepEqual(
      (await rowsOf(store, bob.inbox)).map((row) => row.uid),
      [1, 2],
    )
    assert.equal((await store.read.mailbox(bob.inbox))!.deleted, 1)
    const [{ filed }] = await store.commit([await arrival(store, message('new'), [bob.inbox])])
    assert.equal(filed[0]!.uid, 5)
  })

  check('copy shares the email, move takes it along, both tell which UID became which', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    for (let i = 0; i < 3; i++) await store.commit([await arrival(store, message(`m${i}`), [bob.inbox])])
    await store.commit([
      { kind: 'flags', mailbox: bob.inbox, uids: [[2, 2]], mode: 'add', flags: ['\\Deleted', '\\Flagged'] },
    ])
    const before = await rowsOf(store, bob.inbox)
    const [copied] = await store.commit([
      { kind: 'copy', mailbox: bob.inbox, uids: [[1, 2]], target: bob.trash, nowMs },
    ])
    assert.deepEqual([copied.source, copied.firstUid], [[1, 2], 1])
    const [moved] = await store.commit([{ kind: 'move', mailbox: bob.inbox, uids: [[2, 3]], target: bob.trash, nowMs }])
    assert.deepEqual([moved.source, moved.firstUid], [[2, 3], 3])
    const trash = await rowsOf(store, bob.trash)
    assert.deepEqual(
      trash.map((row) => row.emailId),
      [before[0]!.emailId, before[1]!.emailId, before[1]!.emailId, before[2]!.emailId],
    )
    assert.deepEqual(
      (await rowsOf(store, bob.inbox)).map((row) => row.uid),
      [1],
    )
    const table = await store.read.table(bob.trash)
    assert.equal(table.view().flagsLow[2], deletedBit | flaggedBit)
    table.release()
    assert.equal((await store.read.accountById(bob.id))!.usedMessages, 5)
    await store.commit([{ kind: 'expunge', mailbox: bob.trash, nowMs }])
    assert.equal((await store.read.counts()).contents, 3)
    await store.sweep(nowMs)
    // The email of message 2 lost both its copies in Trash, which were \Deleted.
    assert.equal((await store.read.counts()).contents, 2)
  })

  check('threads follow Message-ID and subject, and never merge', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    const reply = (name: string, subject: string, to: string): Buffer =>
      message(name, '', `In-Reply-To: <${to}@example.org>\r\n`)
        .toString()
        .replace(`Subject: ${name}`, `Subject: ${subject}`) as never
    for (const bytes of [
      message('root'),
      Buffer.from(reply('second', 'Re: root', 'root')),
      Buffer.from(reply('third', 'other', 'root')),
    ]) {
      await store.commit([await arrival(store, bytes, [bob.inbox])])
    }
    const [first, second, third] = await rowsOf(store, bob.inbox)
    assert.equal(second!.threadId, first!.threadId)
    assert.notEqual(third!.threadId, first!.threadId)
  })

  check('mailboxes: parents are made, children move along, INBOX moves only its messages', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    const names = async (): Promise<string[]> => (await store.read.mailboxes(bob.id)).map((row) => row.name)
    await store.commit([{ kind: 'mailboxCreate', account: bob.id, name: 'a/b/c' }])
    assert.deepEqual(await names(), ['INBOX', 'Trash', 'a', 'a/b', 'a/b/c'])
    const { id } = (await store.read.mailboxByName(bob.id, 'a/b/c'))!
    await store.commit([{ kind: 'mailboxRename', account: bob.id, from: 'a/b', to: 'x/y', nowMs }])
    assert.deepEqual(await names(), ['INBOX', 'Trash', 'a', 'x', 'x/y', 'x/y/c'])
    assert.equal((await store.read.mailboxByName(bob.id, 'x/y/c'))!.id, id)
    await refused(store.commit([{ kind: 'mailboxCreate', account: bob.id, name: 'inbox' }]), 'nameTaken')
    await refused(store.commit([{ kind: 'mailboxCreate', account: bob.id, name: 'a//b' }]), 'nameBad')
    const levels = (count: number): string => Array.from({ length: count }, () => 'l').join('/')
    await store.commit([{ kind: 'mailboxCreate', account: bob.id, name: levels(32) }])
    await refused(store.commit([{ kind: 'mailboxCreate', account: bob.id, name: levels(33) }]), 'nameBad')
    await refused(store.commit([{ kind: 'mailboxRename', account: bob.id, from: 'x', to: 'x/z', nowMs }]), 'notAllowed')
    await refused(store.commit([{ kind: 'mailboxDelete', account: bob.id, name: 'INBOX', nowMs }]), 'notAllowed')
    await store.commit([await arrival(store, message('m'), [bob.inbox])])
    await store.commit([{ kind: 'mailboxRename', account: bob.id, from: 'INBOX', to: 'Old', nowMs }])
    assert.deepEqual((await rowsOf(store, bob.inbox)).length, 0)
    assert.deepEqual((await rowsOf(store, (await store.read.mailboxByName(bob.id, 'Old'))!.id)).length, 1)
    const validity = (await store.read.mailboxByName(bob.id, 'Old'))!.uidValidity
    await store.commit([{ kind: 'mailboxDelete', account: bob.id, name: 'Old', nowMs }])
    await store.commit([{ kind: 'mailboxCreate', account: bob.id, name: 'Old' }])
    assert.ok((await store.read.mailboxByName(bob.id, 'Old'))!.uidValidity > validity)
    assert.equal((await store.read.accountById(bob.id))!.usedBytes, 0)
  })

  check('changes tell what became visible, and a table follows them', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    const heard: Change[] = []
    const stop = store.listen((changes) => heard.push(...changes))
    const table = await store.read.table(bob.inbox)
    let told = 0
    const stopTable = table.listen(() => told++)
    await store.commit([await arrival(store, message('m'), [bob.inbox])])
    assert.equal(table.view().count, 1)
    assert.equal(table.uidNext, 2)
    const old = table.view()
    await store.commit([{ kind: 'expunge', mailbox: bob.inbox, force: true, nowMs }])
    assert.equal(table.view().count, 0)
    assert.equal(old.count, 1)
    await store.commit([{ kind: 'mailboxCreate', account: bob.id, name: 'Gone' }])
    const gone = await store.read.table((await store.read.mailboxByName(bob.id, 'Gone'))!.id)
    await store.commit([{ kind: 'mailboxDelete', account: bob.id, name: 'Gone', nowMs }])
    assert.equal(gone.gone, true)
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(
      heard.map((change) => change.kind),
      ['account', 'added', 'account', 'expunged', 'account', 'mailboxes', 'account', 'mailboxGone', 'mailboxes'],
    )
    assert.equal(told, 2)
    stop()
    stopTable()
    table.release()
  })

  check('a search reads rows and text', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    await store.commit([await arrival(store, message('apple', 'red and round\r\n'), [bob.inbox])])
    await store.commit([await arrival(store, message('pear', 'green\r\n'), [bob.inbox])])
    await store.commit([{ kind: 'flags', mailbox: bob.inbox, uids: [[2, 2]], mode: 'add', flags: ['\\Seen'] }])
    const find = async (key: Parameters<Store['read']['search']>[1]): Promise<number[]> => [
      ...(await store.read.search(bob.inbox, key, [[1, 9]])),
    ]
    assert.deepEqual(await find({ kind: 'body', needle: 'ROUND' }), [1])
    assert.deepEqual(await find({ kind: 'header', name: 'subject', needle: 'PEAR' }), [2])
    assert.deepEqual(
      await find({
        kind: 'and',
        keys: [
          { kind: 'text', needle: 'example.org' },
          { kind: 'flag', flag: '\\seen' },
        ],
      }),
      [2],
    )
    assert.deepEqual(await find({ kind: 'not', key: { kind: 'flag', flag: '\\Seen' } }), [1])
    assert.deepEqual(
      await find({ kind: 'or', left: { kind: 'larger', sizeBytes: 10_000 }, right: { kind: 'all' } }),
      [1, 2],
    )
    assert.deepEqual(await find({ kind: 'sentDay', first: 20455, end: 20456 }), [1, 2])
  })

  check('the directory: domains, accounts, aliases, credentials', async (store) => {
    await refused(
      store.commit([{ kind: 'accountAdd', name: 'x@nowhere.test', quotaBytes: 0, mailboxes: [], nowMs }]),
      'noSuchDomain',
    )
    const bob = await addAccount(store, 'bob@example.org')
    await refused(
      store.commit([{ kind: 'accountAdd', name: 'bob@example.org', quotaBytes: 0, mailboxes: [], nowMs }]),
      'nameTaken',
    )
    await store.commit([{ kind: 'aliasSet', address: 'info@example.org', targets: ['bob@example.org', 'x@far.test'] }])
    assert.deepEqual((await store.read.alias('info@example.org'))!.targets, ['bob@example.org', 'x@far.test'])
    await store.commit([{ kind: 'credentialSet', account: bob.id, type: 'argon2id', name: '', value: 'hash' }])
    assert.equal((await store.read.credentials(bob.id, 'argon2id'))[0]!.value, 'hash')
    await refused(store.commit([{ kind: 'domainRemove', name: 'example.org' }]), 'notAllowed')
    await store.commit([await arrival(store, message('m'), [bob.inbox])])
    await store.commit([{ kind: 'accountRemove', name: 'bob@example.org' }])
    assert.equal(await store.read.account('bob@example.org'), undefined)
    await store.commit([{ kind: 'domainRemove', name: 'example.org' }])
    assert.deepEqual(store.read.domains(), [])
    assert.equal(await store.read.alias('info@example.org'), undefined)
    await store.sweep(nowMs)
    assert.equal((await store.read.counts()).contents, 0)
  })

  check('what was acknowledged is there after it was opened again', async (store, reopen) => {
    if (!reopen) return
    const bob = await addAccount(store, 'bob@example.org')
    for (let i = 0; i < 20; i++)
      await store.commit([await arrival(store, message(`m${i}`), [bob.inbox])], { until: 'durable' })
    await store.commit([{ kind: 'flags', mailbox: bob.inbox, uids: [[3, 3]], mode: 'add', flags: ['Kept'] }])
    const again = await reopen()
    const rows = await rowsOf(again, bob.inbox, true)
    assert.equal(rows.length, 20)
    assert.ok(rows[19]!.text!.includes('Subject: m19'))
    const [{ filed }] = await again.commit([await arrival(again, message('next'), [bob.inbox])])
    assert.equal(filed[0]!.uid, 21)
  })

  flagChecks(check)
  queueChecks(check)
  totalsChecks(check)
  lateChecks(check)
  more(check)
}
