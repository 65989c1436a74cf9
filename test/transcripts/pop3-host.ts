/** What the POP3 transcripts ask of their surroundings: the store's maildrop of mrose@dbc.mtview.ca.us, password `secret`. */
import { silentLog } from '../../src/base/log.ts'
import { Pop3Session } from '../../src/protocol/pop3/session.ts'
import { passwordMechanisms } from '../../src/protocol/sasl/mechanisms.ts'
import { StorePop3Backend } from '../../src/access/pop3.ts'
import { arrival, stored } from '../../src/store/conformance/fixtures.ts'
import { factsOfBytes } from '../../src/store/facts.ts'
import { openStore } from '../../src/store/sqlite/engine.ts'
import type { SaslMechanism } from '../../src/protocol/sasl/mechanism.ts'
import type { TranscriptHost } from './run.ts'
import { exampleMechanisms } from './sasl-examples.ts'
import { stillClock } from './smtp-host.ts'

const user = 'mrose@dbc.mtview.ca.us'

export async function pop3Host(): Promise<TranscriptHost> {
  const store = await openStore({ folder: ':memory:', clock: stillClock, log: silentLog })
  const mailboxes = [{ name: 'INBOX', role: 'inbox' as const }]
  const [, { id }] = await store.commit([
    { kind: 'domainAdd', name: 'dbc.mtview.ca.us' },
    { kind: 'accountAdd', name: user, quotaBytes: 0, mailboxes, nowMs: stillClock.now() },
  ])
  const inbox = (await store.read.mailboxByName(id, 'INBOX'))!.id
  const authenticator = {
    verifyPassword: async (name: string, password: string) =>
      name === user && password === 'secret' ? { accountId: id, name: user } : null,
  }
  let mechanisms: readonly SaslMechanism[] = passwordMechanisms
  let options = { startTls: true, plaintextAuth: true, loginDelaySeconds: 0 }
  let backend = new StorePop3Backend(store, stillClock)
  return {
    open: () =>
      new Pop3Session({
        backend,
        authenticator,
        mechanisms,
        hostname: 'dbc.mtview.ca.us',
        ...options,
      }),
    async prepare(words, content) {
      const [verb, ...rest] = words.split(' ')
      if (verb === 'option') {
        options = { ...options, [rest[0]!]: JSON.parse(rest[1]!) }
        backend = new StorePop3Backend(store, stillClock, () => options.loginDelaySeconds * 1000)
      } else if (verb === 'mechanisms') mechanisms = exampleMechanisms({ accountId: id, name: user })
      else if (verb === 'migrated')
        await store.commit([
          {
            kind: 'append',
            mailbox: inbox,
            content: await stored(store, content),
            facts: factsOfBytes(content).facts,
            internalDate: { epochMs: 0, offsetMinutes: 0 },
            savedAtMs: 0,
            flags: [],
            uidl: rest[0]!,
          },
        ])
      else if (verb === 'mail')
        await store.commit([
          {
            ...(await arrival(store, content, [])),
            filings: [{ mailbox: inbox, prefix: '', flags: [], recipients: [] }],
          },
        ])
      else if (verb === 'expunge') {
        await store.commit([
          { kind: 'expunge', mailbox: inbox, uids: [[Number(rest[0]), Number(rest[0])]], force: true, nowMs: 0 },
        ])
      } else if (verb === 'left') {
        const left = (await store.read.mailbox(inbox))!.messages
        if (left !== Number(rest[0])) throw new Error(`${left} messages are left`)
      } else throw new Error(`unknown: ${words}`)
    },
  }
}
