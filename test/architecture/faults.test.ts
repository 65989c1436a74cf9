/** Faults that nothing catches end the process: where Node and our own start could bring them about, there is one way to do it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sourceFiles } from './source.ts'

const program = sourceFiles.filter(({ isTest }) => !isTest)
const code = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')

test('servers listen through listenAt, which hears their errors as long as they live', () => {
  const wrong = program
    .filter(
      ({ path, text }) =>
        path !== 'platform/real/held-ports.ts' && /\bserver\.listen\(|\bfront\.listen\(/i.test(code(text)),
    )
    .map(({ path }) => path)
  assert.deepEqual(wrong, [])
  for (const { path, text } of program.filter(({ text }) => /\bcreate(?:Tcp)?Server\(/.test(code(text))))
    assert.match(text, /\blistenAt\(|\bholdPort\(/, path)
})

/**
 * Functions of Node that call back with an error first. `close` of a server only says that it was closed before; the callback of a stream's
 * `write` and `end` tells what its 'error' event tells as well.
 */
const callingBack =
  /\.(?:send|bind|connect|lookup|execFile|exec|spawn|read|readFile|writeFile|open|stat|gzip|deflate|pbkdf2|scrypt|generateKeyPair|randomBytes|setTimeout)\(|\b(?:read|lookup|execFile|exec|pbkdf2|scrypt|generateKeyPair|gzip|deflate|gzipWith)\(/
/** A callback that takes nothing, at the end of such a call's line. */
const deaf = /,\s*(?:async\s*)?\(\)\s*=>/

test('a callback that Node hands an error takes it', () => {
  const outside = /^node:(?:dgram|fs|dns|child_process|zlib|crypto)$/
  const wrong = program
    .filter(({ imports }) => imports.some(({ name }) => outside.test(name)))
    .flatMap(({ path, text }) =>
      code(text)
        .split('\n')
        .filter((line) => new RegExp(`(?:${callingBack.source}).*${deaf.source}`).test(line))
        .map((line) => `${path}: ${line.trim()}`),
    )
  assert.deepEqual(wrong, [])
})

test('whatever waits in the start or the reload of a system is a step, which the fault tests make fail', () => {
  const sources = ['system.ts', 'system/settings.ts'].map((path) => {
    const { text } = program.find((file) => file.path === path)!
    return text.slice(Math.max(0, text.indexOf('async function openSystem(')))
  })
  const waiting = sources.flatMap((text) =>
    code(text)
      .split('\n')
      .filter((line) => /\bawait\b/.test(line)),
  )
  assert.ok(waiting.length > 10)
  // Functions that these files hold themselves: their own waits are looked at.
  const looked = /\bawait (?:life\.(?:step|end)|loadSettings|startAside)\(/
  assert.deepEqual(
    waiting.filter((line) => !looked.test(line)),
    [],
  )
})

test('where a command opens a store by itself, it does so as the owner of its folder', () => {
  for (const { path, text } of program.filter(({ path }) => /^(?:cli|admin)\//.test(path)))
    if (/\b(?:openStore|verifyFolder|restoreFolder)\((?!\))/.test(code(text)))
      assert.match(text, /\bactAsOwnerOf\(|\bgiveTree\(/, path)
})

test('a look at a path that may be anything knows both ways of it to be absent', () => {
  // What lies in the data folder, once the store is open, or was named by the folder itself.
  const inside = /^store\/|^platform\/real\/private-folder\.ts$/
  for (const { path, text } of program.filter(({ path }) => !inside.test(path)))
    if (/'ENOENT'|throwIfNoEntry/.test(code(text))) assert.match(text, /ENOTDIR/, path)
})
