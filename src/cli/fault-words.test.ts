import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileFaultWords } from './fault-words.ts'

const fault = (code: string | undefined, message: string, path?: string): Error =>
  Object.assign(new Error(message), { code, path })

test('rights and disks that are missing are a sentence with what to do', () => {
  const cases: [Error, string | undefined, RegExp | undefined][] = [
    [fault('EROFS', 'EROFS: read-only file system', '/srv/data'), '/srv/data', /read-only.*--data/],
    [fault('ENOSPC', 'ENOSPC'), '/srv/data', /No space left/],
    [fault('ENOENT', 'ENOENT: mkdir', '/nowhere/data'), '/nowhere/data', /cannot be created.*name another with --data/],
    [fault(undefined, 'unable to open database file'), '/proc', /^The data folder \/proc cannot be (?:used|written)/],
    [
      fault('ERR_SQLITE_ERROR', 'attempt to write a readonly database'),
      '/proc',
      /^The data folder \/proc cannot be (?:used|written)/,
    ],
    [
      fault('EACCES', 'EACCES: open', '/etc/k.pem'),
      '/srv/data',
      /^\/etc\/k\.pem cannot be read by the user \S+: give that user read access/,
    ],
    [fault('EADDRINUSE', 'taken'), '/srv/data', undefined],
    [fault(undefined, 'anything else'), undefined, undefined],
  ]
  for (const [error, data, expected] of cases) {
    const words = fileFaultWords(error, data)
    if (expected) assert.match(words ?? '', expected, error.message)
    else assert.equal(words, undefined, error.message)
  }
})
