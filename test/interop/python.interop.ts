/** Python's smtplib and imaplib: alice sends, bob reads, flags, moves and waits. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { password } from '../stories/real.ts'
import { alice, bob, read, run, without, withSystem } from './programs.ts'

const skip = without('python3')

const sender = `
import smtplib, ssl, sys, os
from email.message import EmailMessage
port, implicit = int(sys.argv[1]), int(sys.argv[2])
password = os.environ["PASSWORD"]
tls = ssl._create_unverified_context()
def message(subject, text, sender="${alice}"):
    m = EmailMessage(); m["From"] = sender; m["To"] = "${bob}"; m["Subject"] = subject; m.set_content(text)
    return m
with smtplib.SMTP("127.0.0.1", port) as s:
    s.starttls(context=tls)
    s.login("${alice}", password)
    s.send_message(message("Grüße", "Blumen für dich\\n.\\n..\\n"))
    s.send_message(message("two", "x\\n" * 20000))
    try:
        s.send_message(message("not mine", "x", "${bob}"))
        sys.exit("taken")
    except smtplib.SMTPException as e:
        print(type(e).__name__)
    print(s.noop()[0], s.vrfy("bob")[0], s.help().decode()[:9])
with smtplib.SMTP_SSL("127.0.0.1", implicit, context=tls) as s:
    s.login("${alice}", password)
    s.send_message(message("three", "über TLS\\n"), mail_options=["SMTPUTF8", "BODY=8BITMIME"])
`

const reader = `
import imaplib, ssl, sys, os, email, email.policy
tls = ssl._create_unverified_context()
m = imaplib.IMAP4_SSL("127.0.0.1", int(sys.argv[2]), ssl_context=tls)
m.login("${bob}", os.environ["PASSWORD"])
assert m.select("INBOX") == ("OK", [b"3"]), "select"
kind, data = m.search(None, "ALL"); assert data == [b"1 2 3"], data
kind, data = m.fetch("1", "(UID RFC822)")
first = email.message_from_bytes(data[0][1], policy=email.policy.default)
assert first["Subject"] == "Grüße", first["Subject"]
assert first.get_content().replace("\\r\\n", "\\n") == "Blumen für dich\\n.\\n..\\n", repr(first.get_content())
kind, data = m.fetch("2", "(BODY.PEEK[TEXT]<0.10> RFC822.SIZE FLAGS)"); assert b"x" in data[0][1]
assert m.store("2", "+FLAGS", r"(\\Flagged $Label1)")[0] == "OK"
kind, data = m.search(None, "KEYWORD", "$Label1"); assert data == [b"2"], data
assert m.create("Work")[0] == "OK"
assert m.copy("2", "Work")[0] == "OK"
assert m.uid("MOVE", "1", "Work")[0] == "OK"
assert m.noop()[0] == "OK"
assert m.status("Work", "(MESSAGES)")[1] == [b"Work (MESSAGES 2)"]
kind, data = m.append("Work", r"(\\Seen)", imaplib.Time2Internaldate(0), b"Subject: mine\\r\\n\\r\\nx\\r\\n"); assert kind == "OK", data
m.select("Work", readonly=True)
kind, data = m.fetch("3", "(INTERNALDATE FLAGS)"); assert b"1970" in data[0], data
assert m.close()[0] == "OK"
m.select("INBOX")
m.store("1:*", "+FLAGS", r"(\\Deleted)")
assert m.expunge()[1] == [b"1", b"1"], "expunge"
m.logout()
p = imaplib.IMAP4("127.0.0.1", int(sys.argv[1]))
try:
    p.login("${bob}", os.environ["PASSWORD"]); sys.exit("signed in without TLS")
except imaplib.IMAP4.error: pass
p.starttls(ssl_context=tls)
p.login("${bob}", os.environ["PASSWORD"])
p.select("INBOX"); p.logout()
print("done")
`

test('smtplib sends what imaplib reads', { skip }, async () => {
  await withSystem(async (real) => {
    const env = { PASSWORD: password }
    const sent = await run('python3', ['-', `${real.port('submission')}`, `${real.port('submissions')}`], {
      input: sender,
      env,
    })
    assert.equal(sent.code, 0, sent.err)
    assert.match(sent.out, /^SMTPDataError\n250 252 2\.0\.0 Ver\n$|^SMTP\w+\n250 252 /)
    const got = await run('python3', ['-', `${real.port('imap')}`, `${real.port('imaps')}`], { input: reader, env })
    assert.equal(got.code, 0, got.err)
    assert.equal(got.out, 'done\n')
    assert.equal((await read(real, bob)).length, 0)
    assert.equal((await read(real, bob, 'Work')).length, 3)
  })
})
