/** Python's poplib: every command that it has, over TLS from the start and by STLS. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { password } from '../stories/real.ts'
import { fill, mails } from './mails.ts'
import { bob, read, run, withCertified, without } from './programs.ts'

const program = `
import poplib, ssl, sys, json, os
plain, implicit, ca = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
user, password = "${bob}", os.environ["PASSWORD"]
tls = ssl.create_default_context(cafile=ca)
p = poplib.POP3("localhost", plain, timeout=10)
assert "STLS" in p.capa() and "USER" not in p.capa(), p.capa()
try:
    p.user(user); p.pass_(password); sys.exit("signed in in clear")
except poplib.error_proto: pass
p.stls(context=tls)
capa = p.capa()
assert "USER" in capa and "UIDL" in capa and "TOP" in capa and "STLS" not in capa, capa
p.user(user); p.pass_(password)
count, size = p.stat()
listed = [line.decode().split() for line in p.list()[1]]
assert len(listed) == count and sum(int(octets) for _, octets in listed) == size
uidls = [line.decode().split()[1] for line in p.uidl()[1]]
assert len(set(uidls)) == count
assert p.uidl(2).decode() == "+OK 2 " + uidls[1], p.uidl(2)
messages = []
for number, octets in listed:
    lines = p.retr(int(number))[1]
    messages.append("".join(line.decode("latin1") + "\\r\\n" for line in lines))
top = p.top(2, 2)[1]
p.dele(1); p.dele(3)
assert p.stat()[0] == count - 2
p.rset()
assert p.stat()[0] == count
try:
    p.retr(count + 1); sys.exit("a message beyond the last")
except poplib.error_proto: pass
p.dele(2); p.noop(); p.quit()
p = poplib.POP3_SSL("localhost", implicit, context=tls, timeout=10)
p.utf8()
p.user(user); p.pass_(password)
assert [line.decode().split()[1] for line in p.uidl()[1]] == uidls[:1] + uidls[2:]
try:
    other = poplib.POP3_SSL("localhost", implicit, context=tls, timeout=10)
    other.user(user); other.pass_(password); sys.exit("two at once")
except poplib.error_proto as e: assert b"[IN-USE]" in e.args[0], e
p.dele(1)
p.close() # without QUIT nothing goes
print(json.dumps({"messages": messages, "sizes": [int(octets) for _, octets in listed], "top": [line.decode("latin1") for line in top]}))
`

test('poplib', { skip: without('python3') }, async () => {
  await withCertified(async (real, _folder, ca) => {
    await fill(real, bob)
    const args = ['-', `${real.port('pop3')}`, `${real.port('pop3s')}`, ca]
    const { code, out, err } = await run('python3', args, { input: program, env: { PASSWORD: password } })
    assert.equal(code, 0, err)
    const got = JSON.parse(out) as { messages: string[]; sizes: number[]; top: string[] }
    const wanted = mails.map((mail) => mail.toString('latin1'))
    assert.deepEqual(got.messages, wanted)
    assert.deepEqual(
      got.sizes,
      mails.map(({ length }) => length),
    )
    const [head, body] = wanted[1]!.split('\r\n\r\n') as [string, string]
    assert.deepEqual(got.top, [...head.split('\r\n'), '', ...body.split('\r\n').slice(0, 2)])
    assert.equal((await read(real, bob)).length, mails.length - 1)
  })
})
