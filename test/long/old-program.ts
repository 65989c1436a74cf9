/** The program as it was at an earlier commit, built by its own scripts from this repository's history. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const root = process.env['PENNYPOST_ROOT']!

const git = (...args: string[]): string | undefined => {
  const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

/** Why there is nothing to build: a shallow clone, or sources without their history. A whole history that lacks it is a failure. */
export function lacksHistory(commit: string): string | false {
  const shallow = git('rev-parse', '--is-shallow-repository')
  if (shallow === 'false' || git('cat-file', '-e', `${commit}^{commit}`) !== undefined) return false
  return `no history: ${shallow === 'true' ? 'this clone is shallow' : 'this is no clone'}`
}

function done(command: string, args: readonly string[], cwd: string): void {
  const { status, stderr, stdout } = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 300_000 })
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${stdout}\n${stderr}`)
}

/** Kept in build/ for the next run. @returns the file that Node runs. */
export function buildOld(commit: string): string {
  const folder = join(root, 'build', `old-${commit.slice(0, 7)}`)
  if (!existsSync(folder)) {
    // Under another name until it is whole.
    const part = `${folder}.${process.pid}`
    rmSync(part, { recursive: true, force: true })
    mkdirSync(part, { recursive: true })
    done('git', ['archive', '--format=tar', '-o', join(part, 'sources.tar'), commit], root)
    done('tar', ['xf', 'sources.tar'], part)
    done('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], part)
    done('npm', ['run', '--silent', 'build'], part)
    renameSync(part, folder)
  }
  return join(folder, 'bin/pennypost.js')
}
