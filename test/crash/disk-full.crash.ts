/** A real disk that is full: 452 to SMTP, NO to IMAP, nothing half-written, deletions still work, and it recovers. Needs root for a tmpfs. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import { realClock } from '../../src/platform/real/clock.ts'
import { addAccount, arrival, message } from '../../src/store/conformance/fixtures.ts'
import { openStore } from '../../src/store/sqlite/engine.ts'
import { verifyFolder } from '../../src/store/sqlite/verify.ts'
import { StoreFault } from '../../src/store/store.ts'

const mount = mkdtempSync(join(tmpdir(), 'pennypost-full-'))
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', mount]).status === 0
after(() => {
  if (mounted) spawnSync('umount', ['-l', mount])
  rmSync(mount, { recursive: true, force: true })
})

const full = (error: unknown): boolean => error instanceof StoreFault && error.full
const large = message('large', 'x'.repeat(60_000))

for (const spareBytes of [6 * 1024 * 1024, 0]) {
  // With no spare room the disk itself says ENOSPC, in the middle of whatever the store was doing.
  const title = spareBytes > 0 ? 'before the last room is used' : 'when the disk itself refuses'
  test(
    `a full disk refuses mail ${title}, and takes it again when there is room`,
    { skip: mounted ? false : 'no tmpfs without root' },
    async (t) => {
      const folder = join(mount, `data${spareBytes}`)
      const store = await openStore({
        folder,
        clock: realClock,
        log: silentLog,
        spareBytes,
        segmentBytes: 4 * 1024 * 1024,
      })
      const bob = await addAccount(store, 'bob@example.org')
      const filler = join(mount, 'filler')
      const taken: number[] = []
      const { bavail, bsize } = statfsSync(mount)
      writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - spareBytes - 12 * 1024 * 1024)))
      let refused = 0
      for (let i = 0; i < 600 && refused < 5; i++) {
        try {
          const [{ filed }] = await store.commit([await arrival(store, large, [bob.inbox])])
          taken.push(filed[0]!.uid)
        } catch (error) {
          assert.ok(full(error), String(error))
          refused++
        }
      }
      assert.equal(refused, 5)
      assert.ok(taken.length > 10)
      rmSync(filler)
      if (spareBytes > 0) {
        // Room can be made by those who have none: a deletion is a commit without message bytes.
        await store.commit([
          { kind: 'expunge', mailbox: bob.inbox, uids: [[1, 1]], force: true, nowMs: realClock.now() },
        ])
      }
      for (let i = 0; i < 5; i++) await store.commit([await arrival(store, large, [bob.inbox])])
      const { messages } = (await store.read.mailbox(bob.inbox))!
      await store.close()
      const again = await openStore({
        folder,
        clock: realClock,
        log: silentLog,
        segmentBytes: 4 * 1024 * 1024,
        spareBytes: 0,
      })
      assert.equal((await again.read.mailbox(bob.inbox))!.messages, messages)
      const expected = taken.length + 5 - (spareBytes > 0 ? 1 : 0)
      // A commit whose rows found no room had its record on disk: it may appear after all, but only whole.
      assert.ok(messages >= expected && messages <= expected + refused)
      await again.close()
      const report = verifyFolder(folder)
      assert.deepEqual(report.faults.slice(0, 3), [])
      rmSync(folder, { recursive: true })
      t.diagnostic(`${taken.length} taken, then refused; ${messages} there at the end`)
    },
  )
}
