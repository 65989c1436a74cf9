import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realFiles } from './files.ts'
import { folderFacts, ownerOf } from './privileges.ts'

test('a path through something that is no folder names nothing, as one that is not there', async () => {
  for (const path of ['/dev/null/nowhere', '/nowhere-at-all/x']) {
    assert.equal(ownerOf(path), undefined, path)
    assert.equal(folderFacts(path), undefined, path)
    assert.equal(await realFiles.read(path), undefined, path)
    assert.equal(await realFiles.sizeBytes(path), undefined, path)
    assert.deepEqual(await realFiles.list(path), [], path)
  }
})
