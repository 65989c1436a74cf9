/** Messages written as Maildir++: `cur/NAME:2,FLAGS` in the account's folder, other mailboxes as `.Name.Child`. https://cr.yp.to/proto/maildir.html */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Letters of the info part, in the order that the format wants. */
const letters: readonly (readonly [flag: string, letter: string])[] = [
  ['\\Draft', 'D'],
  ['\\Flagged', 'F'],
  ['\\Answered', 'R'],
  ['\\Seen', 'S'],
  ['\\Deleted', 'T'],
]

/** A mailbox as a folder's name: levels by dots, as Dovecot and Courier read it; a dot, a slash or a control in a level becomes `_`. */
export function maildirFolder(mailbox: string): string {
  if (mailbox === 'INBOX') return ''
  const levels = mailbox.split('/').map((level) => level.replace(/[./\u0000-\u001f\u007f]/g, '_'))
  return `.${levels.join('.')}`
}

export class MaildirWriter {
  readonly #folder: string
  readonly #made = new Set<string>()
  readonly #keywords = new Map<string, string[]>()
  #n = 0

  /** @param folder of an account; made with the first message. */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** @returns the path. Keywords get Dovecot's letters a–z, named in `dovecot-keywords`. */
  write(mailbox: string, bytes: Uint8Array, flags: readonly string[], atMs: number): string {
    const folder = join(this.#folder, maildirFolder(mailbox))
    if (!this.#made.has(folder)) {
      for (const name of ['tmp', 'new', 'cur']) mkdirSync(join(folder, name), { recursive: true, mode: 0o700 })
      if (folder !== this.#folder) writeFileSync(join(folder, 'maildirfolder'), '')
      this.#made.add(folder)
    }
    const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 12)
    const name = `${Math.floor(atMs / 1000)}.${digest}_${this.#n++}.salvaged,S=${bytes.length}`
    const path = join(folder, 'cur', `${name}:2,${this.#info(folder, flags)}`)
    writeFileSync(path, bytes, { mode: 0o600 })
    return path
  }

  #info(folder: string, flags: readonly string[]): string {
    const system = letters.filter(([flag]) => flags.includes(flag)).map(([, letter]) => letter)
    let known = this.#keywords.get(folder)
    if (!known) this.#keywords.set(folder, (known = []))
    const own: string[] = []
    for (const flag of flags) {
      if (flag.startsWith('\\')) continue
      let at = known.indexOf(flag)
      if (at < 0 && known.length < 26) {
        at = known.push(flag) - 1
        writeFileSync(join(folder, 'dovecot-keywords'), known.map((name, i) => `${i} ${name}\n`).join(''))
      }
      if (at >= 0) own.push(String.fromCharCode(97 + at))
    }
    return system.join('') + own.sort().join('')
  }
}
