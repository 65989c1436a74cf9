/** A message far larger than memory should grow by goes in by SMTP and out by IMAP: the server's memory stays flat. LARGE_MB=1024 for the full size. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

const sizeMb = Number(process.env['LARGE_MB'] ?? 256)
const growthMaxMb = 64
const program = join(process.env['PENNYPOST_OUT']!, 'test/crash/server.program.js')
const folder = mkdtempSync(join(tmpdir(), 'pennypost-large-'))
let child: ChildProcess
after(() => {
  child?.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function rssMb(): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))![1]) / 1024
}

/** A connection on which one says a line and waits for an answer that matches. */
class Talk {
  readonly socket: Socket
  #text = ''
  #check: (() => void) | undefined

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.setEncoding('latin1')
    this.socket.on('data', (text: string) => {
      this.#text += text
      this.#check?.()
    })
  }

  hear(pattern: RegExp): Promise<string> {
    return new Promise((resolve) => {
      this.#check = () => {
        const match = pattern.exec(this.#text)
        if (!match) return
        this.#check = undefined
        this.#text = this.#text.slice(match.index + match[0].length)
        resolve(match[0])
      }
      this.#check()
    })
  }

  say(line: string, pattern: RegExp): Promise<string> {
    this.socket.write(`${line}\r\n`)
    return this.hear(pattern)
  }
}

test(
  `a message of ${sizeMb} MB passes in and out with less than ${growthMaxMb} MB more memory`,
  { timeout: 300_000 },
  async (t) => {
    child = spawn(process.execPath, ['--no-warnings', program, folder, '4096'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [smtpPort, imapPort] = await new Promise<number[]>((resolve) =>
      child.stdout!.once('data', (line: Buffer) => resolve(line.toString().split(' ').map(Number))),
    )
    // A first small message and login, so that what is loaded once does not count as growth.
    const smtp = new Talk(smtpPort!)
    await smtp.hear(/220 .*\r\n/)
    await smtp.say('EHLO x', /250 [^\r]*\r\n/)
    const begin = async (): Promise<void> => {
      await smtp.say('MAIL FROM:<x@elsewhere.test>', /250 .*\r\n/)
      await smtp.say('RCPT TO:<a@example.test>', /250 .*\r\n/)
      await smtp.say('DATA', /354 .*\r\n/)
    }
    await begin()
    await smtp.say('Subject: small\r\n\r\nx\r\n.', /250 .*\r\n/)
    const imap = new Talk(imapPort!)
    await imap.hear(/OK .*\r\n/)
    await imap.say('a LOGIN a@example.test password', /a OK .*\r\n/)
    await imap.say('b SELECT INBOX', /b OK .*\r\n/)
    await imap.say('c FETCH 1 BODY[]', /c OK .*\r\n/)

    const before = rssMb()
    let peak = before
    const watch = setInterval(() => (peak = Math.max(peak, rssMb())), 20)
    const line = Buffer.from(`${'All work and no play makes the postman a dull boy. '.repeat(19)}\r\n`)
    const block = Buffer.concat(Array.from({ length: 1024 }, () => line))
    const header = Buffer.from('Subject: large\r\n\r\n')
    const sent = createHash('sha256').update(header)
    await begin()
    smtp.socket.write(header)
    let size = header.length
    while (size < sizeMb * 1024 * 1024) {
      sent.update(block)
      size += block.length
      if (!smtp.socket.write(block)) await new Promise<void>((resolve) => smtp.socket.once('drain', resolve))
    }
    const taken = await smtp.say('.', /\d{3} .*\r\n/)
    assert.match(taken, /^250/)
    const afterIn = peak

    const got = createHash('sha256')
    const raw = connect(imapPort!, '127.0.0.1')
    const received = new Promise<number>((resolve) => {
      let state = ''
      let left = -1
      let prefix = -1
      raw.on('data', (chunk: Buffer) => {
        if (left < 0) {
          state += chunk.toString('latin1')
          const match = /BODY\[\] \{(\d+)\}\r\n/.exec(state)
          if (!match) return
          left = Number(match[1])
          prefix = left - size
          chunk = Buffer.from(state.slice(match.index + match[0].length), 'latin1')
        }
        let bytes = chunk.subarray(0, left)
        left -= bytes.length
        const skip = Math.min(prefix, bytes.length)
        prefix -= skip
        bytes = bytes.subarray(skip)
        got.update(bytes)
        if (left === 0) resolve(size)
      })
    })
    raw.write('a LOGIN a@example.test password\r\nb SELECT INBOX\r\nc FETCH 2 BODY.PEEK[]\r\n')
    await received
    clearInterval(watch)
    raw.destroy()
    smtp.socket.destroy()
    imap.socket.destroy()
    assert.equal(got.digest('hex'), sent.digest('hex'))
    t.diagnostic(
      `RSS ${before.toFixed(0)} MB before, at most ${afterIn.toFixed(0)} MB taking it in, ${peak.toFixed(0)} MB in all`,
    )
    assert.ok(peak - before < growthMaxMb, `grew by ${(peak - before).toFixed(0)} MB`)
  },
)
