/** Random and mutated streams at the SMTP server and at the client, and before them a proxy's header: no fault leaves a session, nothing hangs, every line is answered or 421 is said. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readProxyHeader, type ProxyHeader } from '../../src/base/proxy-header.ts'
import { seededRandom } from '../../src/platform/simulated/random.ts'
import { SmtpClientSession, SmtpConnectionFault } from '../../src/protocol/smtp/client-session.ts'
import { smtpHost } from '../transcripts/smtp-host.ts'
import { Talk } from '../transcripts/talk.ts'

const seconds = Number(process.env.FUZZ_SECONDS ?? 20)
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000)
const { below: random } = seededRandom(seed)

function pick<T>(list: readonly T[]): T {
  return list[random(list.length)]!
}

/** What both sides of the transcripts say, as a corpus. */
const folder = join(process.env.PENNYPOST_ROOT!, 'test', 'transcripts', 'smtp')
const spoken = readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
const corpus = spoken.flatMap((line) => /^C\d*: (.+)$/.exec(line)?.[1] ?? []).filter((line) => line !== 'QUIT')
const replies = spoken.flatMap((line) => /^S\d*: (\d.+)$/.exec(line)?.[1] ?? [])

const words = [
  '<',
  '>',
  '@',
  '"',
  '\\',
  ' ',
  ':',
  '=',
  '.',
  '\r',
  '\n',
  '\r\n.\r\n',
  '\0',
  '\xff',
  '[',
  '+',
  'SIZE=9',
  'BY=9;R',
  'HOLDFOR=9',
  'BDAT 3 LAST\r\n',
  '[UNAVAILABLE]',
  '+00',
  '%',
]

function mutated(list: readonly string[]): string {
  let result = pick(list)
  for (let times = random(4); times > 0; times--) {
    const at = random(result.length + 1)
    const length = random(6)
    switch (random(4)) {
      case 0:
        result = result.slice(0, at) + result.slice(at + length)
        break
      case 1:
        result = result.slice(0, at) + pick(words) + result.slice(at)
        break
      case 2:
        result = result.slice(0, at) + result.slice(at, at + length).repeat(1 + random(5)) + result.slice(at)
        break
      default: {
        const other = pick(list)
        result = result.slice(0, at) + other.slice(random(other.length))
      }
    }
  }
  return result
}

async function begin(): Promise<{ talk: Talk; done: () => Promise<void> }> {
  const { host, store } = await smtpHost()
  await host.prepare(`service ${pick(['smtp', 'submission', 'lmtp'])}`, Buffer.alloc(0))
  await host.prepare(`option startTls ${random(2) === 0}`, Buffer.alloc(0))
  await host.prepare('option plaintextAuth true', Buffer.alloc(0))
  await host.prepare(`option messageBytesMax ${pick([100, 100_000])}`, Buffer.alloc(0))
  // Half of them come from a proxy that may be anybody, and half know what time it is.
  if (random(2) === 0) await host.prepare('xclient 192.0.2.0/24', Buffer.alloc(0))
  if (random(2) === 0) await host.prepare('time 2024-01-15T12:00:00Z', Buffer.alloc(0))
  await host.prepare('policy noSoliciting ["net.example:ADV"]', Buffer.alloc(0))
  await host.prepare(`policy addressQueries "${pick(['none', 'users'])}"`, Buffer.alloc(0))
  const talk = new Talk(host.open(1))
  assert.match(await talk.listen(), /^220 /)
  return {
    talk,
    async done() {
      await talk.end()
      assert.ok(talk.closed, `the session does not end (seed ${seed})`)
      await store.close()
    },
  }
}

/** One line at a time outside of data: each has one reply. */
async function lines(): Promise<void> {
  const { talk, done } = await begin()
  await talk.say(Buffer.from(pick(['EHLO a\r\n', 'LHLO a\r\n', 'HELO a\r\n'])))
  for (let count = 0; count < 30 && !talk.closed; count++) {
    const line = mutated(corpus).replace(/[\r\n]/g, '')
    let said = await talk.say(Buffer.from(`${line}\r\n`, 'latin1'))
    // Octets come behind it, whatever is answered then.
    const octets = /^BDAT +(\d{1,15})(?: +LAST)?[ \t]*$/i.exec(line)?.[1]
    if (octets !== undefined && said === '' && Number(octets) > 100_000) break
    if (octets !== undefined && said === '') said = await talk.say(Buffer.alloc(Number(octets), 'x\r\n'))
    if (said.startsWith('354')) said = await talk.say(Buffer.from('x\r\n.\r\n'))
    if (said.startsWith('334')) said = await talk.say(Buffer.from('*\r\n'))
    assert.match(said, /^(\d{3}(-[^\r\n]*\r\n\d{3})* [^\r\n]*\r\n)+$/, `to ${JSON.stringify(line)} (seed ${seed})`)
  }
  await done()
}

/** Anything, cut anywhere: what comes back is replies and nothing else. */
async function streams(): Promise<void> {
  const { talk, done } = await begin()
  let text = random(4) > 0 ? pick(['EHLO a\r\n', 'LHLO a\r\n']) : ''
  for (let count = random(25); count >= 0; count--) {
    text += random(3) === 0 ? pick(corpus) : mutated(corpus)
    if (random(20) > 0) text += '\r\n'
    if (random(30) === 0) text += 'x'.repeat(random(40_000))
    if (random(15) === 0) text += String.fromCharCode(...Array.from({ length: random(40) }, () => random(256)))
  }
  const bytes = Buffer.from(text, 'latin1')
  let said = ''
  for (let at = 0; at < bytes.length && !talk.closed;) {
    const size = 1 + random(pick([3, 50, 5000]))
    said += await talk.say(bytes.subarray(at, at + size))
    at += size
  }
  assert.match(said, /^(\d{3}[ -][^\r\n]*\r\n)*$/, `seed ${seed}`)
  await done()
}

/** A server that says anything: everyone who waits hears of it, as a reply or as a fault of the connection. */
async function client(): Promise<void> {
  const session = new SmtpClientSession()
  const waiting: Promise<unknown>[] = [session.expect(1000)]
  const talk = new Talk(session)
  for (let count = random(6); count > 0; count--) waiting.push(session.command('NOOP'))
  if (random(3) === 0)
    waiting.push(
      session.stream(async function* () {
        yield Buffer.from('x')
      }),
    )
  if (random(5) === 0) waiting.push(session.startTls({ serverName: 'x', verify: 'none' }))
  const settled = Promise.allSettled(waiting)
  let text = ''
  for (let count = random(10); count >= 0; count--) {
    text += random(2) === 0 ? pick(replies) : mutated(replies)
    if (random(20) > 0) text += '\r\n'
    if (random(30) === 0) text += '250-x\r\n'.repeat(random(300))
    if (random(30) === 0) text += 'x'.repeat(random(40_000))
  }
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at < bytes.length && !talk.closed;) {
    const size = 1 + random(pick([3, 50, 5000]))
    await talk.say(bytes.subarray(at, at + size))
    at += size
  }
  await talk.end()
  for (const outcome of await settled)
    if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof SmtpConnectionFault, String(outcome.reason))
}

/** Headers of proxies, made worse: what was decided stays decided, however much comes behind. */
async function proxies(): Promise<void> {
  const signature = '\r\n\r\n\0\r\nQUIT\n'
  const addresses = String.fromCharCode(...Array.from({ length: pick([12, 36, 216]) }, () => random(256)))
  const tlv = `${String.fromCharCode(random(6), 0, random(6))}${'x'.repeat(random(6))}`
  const length = addresses.length + (random(2) === 0 ? tlv.length : 0)
  const binary = `${signature}${pick(['\x20', '\x21'])}${pick(['\0', '\x11', '\x21', '\x31'])}\0${String.fromCharCode(length)}${addresses}${tlv}`
  const line = `PROXY ${pick(['TCP4', 'TCP6', 'UNKNOWN'])} ${pick(['192.0.2.7', '::1', 'x'])} ${pick(['192.0.2.8', '::2'])} ${random(70_000)} 25\r\n`
  const bytes = Buffer.from(mutated([binary, line]) + pick(['', 'EHLO a\r\n', '\x16\x03\x01']), 'latin1')
  let decided: ProxyHeader | undefined
  for (let end = 0; end <= bytes.length; end++) {
    const header = readProxyHeader(bytes.subarray(0, end))
    if (decided) assert.deepEqual(header, decided, `${bytes.toString('hex')} at ${end} (seed ${seed})`)
    else if (header.kind !== 'incomplete') decided = header
    if (header.kind === 'header') assert.ok(header.sizeBytes <= end)
  }
}

for (const [name, round] of Object.entries({ lines, streams, client, proxies }))
  test(`SMTP ${name}, seed ${seed}`, { timeout: seconds * 1000 + 30_000 }, async (t) => {
    const until = Date.now() + (seconds * 1000) / 4
    let rounds = 0
    while (Date.now() < until) {
      await round()
      rounds++
    }
    t.diagnostic(`${rounds} rounds`)
    assert.ok(rounds > 0)
  })
