/** TNEF beside Debian's tnef: both take the same files out of one winmail.dat, so that our reader and the writer of its tests agree with a third. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readTnef } from '../../src/mail/tnef/tnef.ts'
import { writeTnef } from '../support/tnef-writer.ts'
import { without } from './programs.ts'

test("Debian's tnef finds what we find", { skip: without('tnef') }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-tnef-'))
  try {
    const files = [
      { name: 'report.pdf', content: Buffer.from('%PDF-1.7 and more') },
      { name: 'a long name with spaces.bin', content: Buffer.from([0, 1, 2, 255]) },
    ]
    const bytes = writeTnef({ subject: 'Files', files })
    const file = join(folder, 'winmail.dat')
    writeFileSync(file, bytes)
    execFileSync('tnef', ['--unix-paths', '-C', folder, file])
    rmSync(file)
    const theirs = readdirSync(folder)
      .sort()
      // It writes spaces as in a URL.
      .map((name) => [decodeURIComponent(name), readFileSync(join(folder, name)).toString('hex')])
    const ours = readTnef(bytes)!
      .files.map(({ name, content }) => [name, Buffer.from(content).toString('hex')])
      .sort()
    assert.deepEqual(ours, theirs)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
