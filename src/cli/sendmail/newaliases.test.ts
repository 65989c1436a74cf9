import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { defaultConfig } from '../../config/load.ts'
import { openOwner } from '../../admin/owner.ts'
import { takeAliases } from './newaliases.ts'

test('an entry that names its own account keeps a copy, where there is that account', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'newaliases-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const data = join(folder, 'data')
  const config = { ...defaultConfig(), data, origin: 'example.org' }
  const setUp = await openOwner(data, { create: true })
  await setUp.ask('domainAdd', { name: 'example.org' })
  await setUp.ask('accountAdd', { name: 'alice@example.org', password: 'correct horse' })
  await setUp.close()
  const file = join(folder, 'aliases')
  writeFileSync(file, 'alice: \\alice, bob@example.net\nroot: root, alice\nself: self\n')
  const said: string[] = []
  const say = (text: string): void => void said.push(text)
  assert.equal(await takeAliases(config, { out: say, note: say } as never, file), 0)
  assert.match(said.join(''), /: 2 aliases, /)
  const owner = await openOwner(data)
  t.after(() => owner.close())
  const { rows } = (await owner.ask('aliasList', {})) as {
    rows: readonly { address: string; targets: readonly string[] }[]
  }
  const targets = (name: string): readonly string[] | undefined => rows.find(({ address }) => address === name)?.targets
  assert.deepEqual(targets('alice@example.org'), ['alice@example.org', 'bob@example.net'])
  assert.deepEqual(targets('root@example.org'), ['alice@example.org'])
  assert.equal(targets('self@example.org'), undefined)
})
