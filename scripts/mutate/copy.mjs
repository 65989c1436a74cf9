// A copy of the tree in which one change at a time is made and tests are run.
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './files.mjs'

const left = new Set(['node_modules', 'build', '.git', 'data'])

export class Copy {
  /** Ends the tests that run. */
  endRun = () => {}

  constructor(place) {
    this.tree = join(place, 'pennypost')
    mkdirSync(this.tree, { recursive: true })
    for (const entry of readdirSync(root))
      if (!left.has(entry)) cpSync(join(root, entry), join(this.tree, entry), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(this.tree, 'node_modules'))
    // Published vectors lie beside the checkout.
    const shared = join(root, '..', 'shared')
    if (existsSync(shared)) symlinkSync(shared, join(place, 'shared'))
  }

  write(file, text) {
    writeFileSync(join(this.tree, file), text)
  }

  /** @returns 'passed', 'failed' at the first test that does, or 'hung'; and the first title that failed. */
  runTests(files, limitMs) {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, [join('scripts', 'test.mjs'), '--test-reporter=tap', ...files], {
        cwd: this.tree,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let outcome = { kind: 'passed' }
      let heard = ''
      // The group of the child alone: it is ours.
      const end = (signal) => {
        try {
          process.kill(-child.pid, signal)
        } catch {}
      }
      const stop = (kind, title) => {
        if (outcome.kind === 'passed') outcome = { kind, title }
        end('SIGTERM')
        setTimeout(() => end('SIGKILL'), 2000).unref()
      }
      this.endRun = () => end('SIGKILL')
      const timer = setTimeout(() => stop('hung', `no end after ${limitMs / 1000} s`), limitMs)
      const listen = (chunk) => {
        heard = (heard + chunk).slice(-20_000)
        const failed = /^\s*not ok \d+ - (.*)\n/m.exec(heard)
        if (failed) stop('failed', failed[1])
      }
      child.stdout.on('data', listen)
      child.stderr.on('data', listen)
      child.on('exit', (code) => {
        clearTimeout(timer)
        end('SIGKILL')
        if (outcome.kind === 'passed' && code !== 0)
          outcome = { kind: 'failed', title: heard.trim().split('\n').at(-1) }
        resolve(outcome)
      })
    })
  }
}
