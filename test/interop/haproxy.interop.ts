/** HAProxy in front of SMTP and IMAP, with send-proxy and send-proxy-v2 and its own health checks: the client behind it is the one that counts. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { parseIpNetwork } from '../../src/base/ip-network.ts'
import type { Service } from '../../src/config/config.ts'
import { askOwner } from '../../src/admin/owner.ts'
import { dialogue } from '../stories/dialogue.ts'
import { password, startReal, type RealSystem } from '../stories/real.ts'
import { messagesIn } from '../stories/world.ts'
import { freePort } from '../support/free-port.ts'
import { cameFrom, clientAddress, dial, startFront } from './fronts.ts'
import { alice, withFolder, without } from './programs.ts'

const skip = without('haproxy')
const versions = ['send-proxy', 'send-proxy-v2'] as const
const services = ['smtp', 'submission', 'imap', 'imaps'] as const
type Key = `${(typeof versions)[number]} ${(typeof services)[number]}`

interface Fronted {
  readonly real: RealSystem
  readonly data: string
  readonly events: readonly string[]
  port(version: (typeof versions)[number], service: Service): number
}

async function behindHaproxy(work: (fronted: Fronted) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const events: string[] = []
    const note = (event: string, facts = {}): void => void events.push(`${event} ${JSON.stringify(facts)}`)
    const log = { debug() {}, info: note, warn: note, error: note }
    const data = join(folder, 'data')
    const proxyFrom = [parseIpNetwork('127.0.0.1')!]
    const real = await startReal({ users: [alice], data, proxyFrom, log })
    try {
      const ports = new Map<Key, number>()
      for (const version of versions)
        for (const service of services) ports.set(`${version} ${service}`, await freePort())
      const sections = [...ports].map(([key, port]) => {
        const [version, service] = key.split(' ') as [string, Service]
        return `listen ${version}-${service}
  bind 127.0.0.1:${port}
  server mail 127.0.0.1:${real.port(service)} ${version} check check-send-proxy inter 100ms
`
      })
      const defaults = 'defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n'
      const file = join(folder, 'haproxy.cfg')
      writeFileSync(file, `global\n  maxconn 100\n${defaults}${sections.join('')}`)
      const haproxy = await startFront('haproxy', ['-db', '-f', file], [...ports.values()])
      try {
        await work({ real, data, events, port: (version, service) => ports.get(`${version} ${service}` as Key)! })
        assert.doesNotMatch(haproxy.words(), /is DOWN/)
      } finally {
        await haproxy.stop()
      }
    } finally {
      await real.stop()
    }
  })
}

const letter = ['From: x@far.example', 'Subject: through HAProxy', '', 'Hello', '.', ''].join('\r\n')

test('SMTP: Received names the client, with and without TLS', { skip }, async () => {
  await behindHaproxy(async ({ real, data, port }) => {
    for (const version of versions) {
      const clear = await dial(port(version, 'smtp'))
      await dialogue(clear, [
        ['', /220 .*\r\n/],
        ['EHLO far.example\r\n', /\n250 [^\n]*\n/],
        ['MAIL FROM:<x@far.example>\r\n', /250 .*\r\n/],
        [`RCPT TO:<${alice}>\r\n`, /250 .*\r\n/],
        ['DATA\r\n', /354 .*\r\n/],
        [letter, /250 .*\r\n/],
        ['EHLO far.example\r\n', /250[- ]STARTTLS\r\n/],
        ['STARTTLS\r\n', /^220 .*\r\n/m],
      ])
      const secure = connectTls({ socket: clear, rejectUnauthorized: false })
      await dialogue(secure, [
        ['EHLO far.example\r\n', /\n250 [^\n]*\n/],
        ['MAIL FROM:<x@far.example>\r\n', /250 .*\r\n/],
        [`RCPT TO:<${alice}>\r\n`, /250 .*\r\n/],
        ['DATA\r\n', /354 .*\r\n/],
        [letter, /250 .*\r\n/],
        ['QUIT\r\n', /221 .*\r\n/],
      ])
    }
    const messages = await messagesIn(real.system, alice)
    assert.deepEqual(messages.map(cameFrom), Array<string>(4).fill(clientAddress))
    // What "pennypost trace" reads.
    await askOwner(data, 'ledger', { arrivalIds: [] })
    const folder = join(data, 'trace')
    const lines = readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').trim().split('\n'))
    assert.equal(lines.length, 4)
    for (const line of lines) assert.ok(line.includes(`"${clientAddress}"`), line)
  })
})

test('signing in: a wrong password is the client’s, by STARTTLS and by TLS from the first byte', { skip }, async () => {
  await behindHaproxy(async ({ events, port }) => {
    for (const version of versions) {
      const socket = connectTls({ socket: await dial(port(version, 'imaps')), rejectUnauthorized: false })
      await dialogue(socket, [
        ['', /\* OK .*\r\n/],
        [`a LOGIN ${alice} wrong\r\n`, /^a NO .*\r\n/m],
        [`b LOGIN ${alice} "${password}"\r\n`, /^b OK .*\r\n/m],
        ['c LOGOUT\r\n', /^c OK .*\r\n/m],
      ])
      const clear = await dial(port(version, 'imap'))
      await dialogue(clear, [
        ['', /\* OK .*\r\n/],
        ['a STARTTLS\r\n', /^a OK .*\r\n/m],
      ])
      const secure = connectTls({ socket: clear, rejectUnauthorized: false })
      await dialogue(secure, [
        [`b LOGIN ${alice} wrong\r\n`, /^b NO .*\r\n/m],
        ['c LOGOUT\r\n', /^c OK .*\r\n/m],
      ])
      const submission = await dial(port(version, 'submission'))
      await dialogue(submission, [
        ['', /220 .*\r\n/],
        ['EHLO far.example\r\n', /\n250 [^\n]*\n/],
        ['STARTTLS\r\n', /^220 .*\r\n/],
      ])
      const signing = connectTls({ socket: submission, rejectUnauthorized: false })
      const wrong = Buffer.from(`\0${alice}\0wrong`).toString('base64')
      await dialogue(signing, [
        ['EHLO far.example\r\n', /\n250 [^\n]*\n/],
        [`AUTH PLAIN ${wrong}\r\n`, /535 .*\r\n/],
        ['QUIT\r\n', /221 .*\r\n/],
      ])
    }
    const failed = events.filter((line) => line.startsWith('sign-in failed'))
    assert.equal(failed.length, 6)
    for (const line of failed) assert.ok(line.includes(`"peer":"${clientAddress}"`), line)
    // Health checks come and go, and are the proxy's own; on a busy machine the loop is held up.
    const expected = /^(?:signed in|sign-in failed|event loop blocked) |"peer":"127\.0\.0\.1"/
    const others = events.filter((line) => !expected.test(line))
    assert.deepEqual(others, [])
  })
})
