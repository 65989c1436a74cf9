import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { own, OwnedElsewhere } from './owner.ts'

const folder = mkdtempSync(join(tmpdir(), 'pennypost-owner-'))
after(() => rmSync(folder, { recursive: true, force: true }))

// The first database that this process opens is the one whose lock is the ownership: nothing that is tried at that moment may hold it.
test('a folder that was let go is free at once, in the same process too', () => {
  for (let round = 0; round < 3; round++) {
    const ownership = own(folder)
    assert.throws(() => own(folder), OwnedElsewhere)
    ownership.release()
  }
})
