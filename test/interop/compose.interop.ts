/** What we compose, read by others' parsers: Python's email package, and GMime. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { composeMessage, type MessageDraft } from '../../src/mail/compose/message.ts'
import { seededRandom } from '../../src/platform/simulated/random.ts'

const pythonReader = `
import sys, json, struct
from email import message_from_bytes
from email.policy import default
out = []
data = sys.stdin.buffer
while True:
    size = data.read(4)
    if len(size) < 4: break
    m = message_from_bytes(data.read(struct.unpack('>I', size)[0]), policy=default)
    parts = [p for p in m.walk() if not p.is_multipart()]
    out.append({
        'subject': m['subject'], 'from': m['from'].addresses[0].display_name, 'to': [a.addr_spec for a in m['to'].addresses],
        'types': [p.get_content_type() for p in m.walk()], 'names': [p.get_filename() for p in parts],
        'texts': [p.get_content() if p.get_content_maintype() == 'text' else p.get_payload(decode=True).hex() for p in parts],
        'defects': [str(d) for p in m.walk() for d in p.defects] + [str(d) for v in m.values() for d in getattr(v, 'defects', [])],
    })
print(json.dumps(out))
`

const gmimeReader = `
import sys, json, struct, gi
gi.require_version('GMime', '3.0')
from gi.repository import GMime
GMime.init()
out = []
def addresses(found):
    return [found.get_address(i) for i in range(found.length())] if found else []
def walk(part, into):
    into['types'].append(part.get_content_type().get_mime_type())
    if isinstance(part, GMime.Multipart):
        for i in range(part.get_count()): walk(part.get_part(i), into)
        return
    into['names'].append(part.get_filename())
    if isinstance(part, GMime.TextPart): into['texts'].append(part.get_text()); return
    memory = GMime.StreamMem.new(); part.get_content().write_to_stream(memory)
    into['texts'].append(bytes(memory.get_byte_array() or b'').hex())
data = sys.stdin.buffer
while True:
    size = data.read(4)
    if len(size) < 4: break
    stream = GMime.StreamMem.new_with_buffer(data.read(struct.unpack('>I', size)[0]))
    m = GMime.Parser.new_with_stream(stream).construct_message(None)
    one = {'subject': m.get_subject(), 'from': addresses(m.get_from())[0].get_name(), 'to': [a.get_addr() for a in addresses(m.get_to())],
           'types': [], 'names': [], 'texts': [], 'defects': []}
    walk(m.get_mime_part(), one)
    out.append(one)
print(json.dumps(out))
`

interface Read {
  readonly subject: string
  readonly from: string
  readonly to: readonly string[]
  readonly types: readonly string[]
  readonly names: readonly (string | null)[]
  readonly texts: readonly string[]
  readonly defects: readonly string[]
}

const count = 300

async function readBy(reader: string): Promise<void> {
  const random = seededRandom(7)
  const pick = (alphabet: string, length: number): string =>
    Array.from({ length }, () => [...alphabet][random.below([...alphabet].length)]!).join('')
  let made = 0
  const drafts = Array.from({ length: count }, (): MessageDraft & { html: string; text: string; subject: string } => ({
    from: { name: `N${pick('aZ0 äß日,.()"', random.below(30))}z`, address: 'a@example.org' },
    to: Array.from({ length: 1 + random.below(20) }, (_, i) => ({
      name: pick('aé日', 6),
      address: `to${i}@example.org`,
    })),
    subject: `S${pick('aZ09 .,;:äß日本🙂?=_', random.below(120))}e`,
    text: `${pick('aZ .=\näß日From', random.below(400))}.\n`,
    html: `<p>${pick('aZ .=\näß日', random.below(2000))}\n`,
    attachments: [
      { content: Buffer.from(random.bytes(random.below(300))), name: `f${pick('aä日 .', random.below(50))}x.bin` },
    ],
  }))
  const chunks: Buffer[] = []
  for (const draft of drafts) {
    const allowed = (['7bit', '8bit'] as const)[random.below(2)]!
    const unique = (): string => `unique${String(made++).padStart(8, '0')}`
    const bytes = Buffer.from(await composeMessage(draft, { nowMs: 0, hostname: 'h.example', unique, allowed }).bytes())
    const size = Buffer.alloc(4)
    size.writeUInt32BE(bytes.length)
    chunks.push(size, bytes)
  }
  const ran = spawnSync('/usr/bin/python3', ['-c', reader], {
    input: Buffer.concat(chunks),
    maxBuffer: 64 * 1024 * 1024,
  })
  assert.equal(ran.status, 0, ran.stderr.toString())
  const read = JSON.parse(ran.stdout.toString()) as Read[]
  assert.equal(read.length, count)
  for (const [i, one] of read.entries()) {
    const draft = drafts[i]!
    assert.equal(one.subject, draft.subject)
    // Its reader of phrases puts a space between any two encoded words, against RFC 2047 §6.2: spaces are not compared.
    assert.equal(one.from.replaceAll(' ', ''), (draft.from as { name: string }).name.replaceAll(' ', ''))
    assert.deepEqual(
      one.to,
      (draft.to as { address: string }[]).map(({ address }) => address),
    )
    assert.deepEqual(one.types, [
      'multipart/mixed',
      'multipart/alternative',
      'text/plain',
      'text/html',
      'application/octet-stream',
    ])
    assert.deepEqual(one.names, [null, null, draft.attachments![0]!.name])
    assert.equal(one.texts[0]!.replaceAll('\r\n', '\n'), draft.text)
    assert.equal(one.texts[1]!.replaceAll('\r\n', '\n'), draft.html)
    assert.equal(one.texts[2], Buffer.from(draft.attachments![0]!.content as Uint8Array).toString('hex'))
    assert.deepEqual(one.defects, [])
  }
}

test("Python's email reads the same values out of 300 composed messages, and finds no defect", () =>
  readBy(pythonReader))

test('GMime reads the same values out of 300 composed messages', () => readBy(gmimeReader))
