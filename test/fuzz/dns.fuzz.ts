/** Random and mutated DNS messages: they are read or refused by a DnsFault, in no time, and never believed for another question. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode, RECURSION_AVAILABLE, type Answer } from 'dns-packet'
import { readAnswer } from '../../src/platform/real/dns/answer.ts'
import {
  answersQuestion,
  decodeMessage,
  DnsFault,
  recordTypes,
  type RecordType,
} from '../../src/platform/real/dns/message.ts'
import { seededRandom } from '../../src/platform/simulated/random.ts'

const seconds = Number(process.env.FUZZ_SECONDS ?? 20)
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000)
const { below } = seededRandom(seed)

const name = 'a.example'
const soaData = { mname: 'ns.a.example', rname: 'x.a.example', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 60 }
const samples: Answer[] = [
  { type: 'A', name, data: '192.0.2.1' },
  { type: 'AAAA', name, data: '2001:db8::1' },
  { type: 'CNAME', name, data: 'b.example' },
  { type: 'CNAME', name: 'b.example', data: 'a.example' },
  { type: 'MX', name, data: { preference: 10, exchange: 'mail.a.example' } },
  { type: 'TXT', name, data: ['one', 'two'] },
  { type: 'SRV', name, data: { port: 25, target: 'mail.a.example' } },
  { type: 'TLSA', name, data: { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.alloc(32) } },
  { type: 'SOA', name, data: soaData },
]
const types = Object.keys(recordTypes) as RecordType[]

function message(): Buffer {
  const pick = (): Answer[] => Array.from({ length: below(5) }, () => samples[below(samples.length)]!)
  const bytes = encode({
    type: 'response',
    id: 7,
    flags: RECURSION_AVAILABLE | below(6),
    questions: [{ type: 'A', name, class: 'IN' }],
    answers: pick(),
    authorities: pick(),
  })
  for (let times = below(6); times > 0; times--) {
    const at = below(bytes.length)
    bytes[at] = below(3) === 0 ? 0xc0 | below(2) : below(256)
  }
  return below(4) === 0 ? bytes.subarray(0, below(bytes.length + 1)) : bytes
}

test(`DNS messages, seed ${seed}`, () => {
  const until = Date.now() + seconds * 1000
  let read = 0
  for (let round = 0; Date.now() < until; round++) {
    const bytes = below(10) === 0 ? Buffer.from(Array.from({ length: below(600) }, () => below(256))) : message()
    const before = performance.now()
    try {
      const decoded = decodeMessage(bytes)
      for (const type of types) readAnswer(decoded, name, type)
      assert.equal(answersQuestion(decoded, 8, name, 1) && decoded.id !== 8, false)
      read++
    } catch (error) {
      if (!(error instanceof DnsFault)) {
        console.error(bytes.toString('hex'))
        throw error
      }
    }
    assert.ok(performance.now() - before < 1000, bytes.toString('hex'))
  }
  assert.ok(read > 0)
})
