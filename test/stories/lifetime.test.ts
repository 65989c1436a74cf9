/** Start, reload and stop with each of their steps failing in turn. The steps are those that a good run tells: a new one is tried by itself. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { join } from 'node:path'
import type { Config } from '../../src/config/config.ts'
import { realNetwork } from '../../src/platform/real/network.ts'
import { startSystem } from '../../src/system.ts'
import { freePort } from '../support/free-port.ts'
import { configOf as lifeConfig, goodLife, platformOf } from './lives.ts'
import { removeFolder, run, temporaryFolder } from './program.ts'

const base = temporaryFolder()
after(() => removeFolder(base))

const ports = { smtp: await freePort(), imap: await freePort(), http: await freePort() }
const configOf = (name: string): Config => lifeConfig(base, name, ports)

async function greets(service: keyof typeof ports): Promise<boolean> {
  const connection = await realNetwork
    .connect({ address: '127.0.0.1', port: ports[service], timeoutMs: 5000 })
    .catch(() => undefined)
  if (!connection) return false
  const said = await new Promise<number>((resolve) =>
    connection.receive({
      data: (bytes) => resolve(bytes.length),
      drain() {},
      end: () => resolve(0),
      close: () => resolve(0),
    }),
  )
  connection.destroy()
  return said > 0
}

const { steps, left } = await goodLife(configOf('all'))
assert.deepEqual(left, [])
const of = (what: string): string[] => steps.filter((step) => step.startsWith(`${what} `))

test('a good life has steps of every kind, each told once', () => {
  for (const what of ['start', 'reload', 'stop']) assert.ok(of(what).length >= 4, `${what}: ${of(what).join()}`)
  assert.equal(new Set(steps).size, steps.length)
})

test('a start that fails at any step leaves nothing behind: the next one begins on the same folder and ports', async () => {
  for (const failing of of('start')) {
    const config = configOf('start')
    const fault = new Error(`injected at ${failing}`)
    const failed = startSystem(
      config,
      platformOf(config, (step) => (step === failing ? Promise.reject(fault) : undefined)),
    )
    await assert.rejects(failed, fault)
    for (const service of ['smtp', 'imap', 'http'] as const)
      assert.equal(await greets(service), false, `${failing}: ${service}`)
    const next = await startSystem(config, platformOf(config, undefined))
    assert.equal(await greets('smtp'), true, failing)
    assert.deepEqual(await next.stop(), [], failing)
  }
})

test('a reload that fails at any step is told, mail is still taken, and the next one does it all', async (t) => {
  let failing = ''
  const config = configOf('reload')
  const system = await startSystem(
    config,
    platformOf(config, (step) => (step === failing ? Promise.reject(new Error(`injected at ${step}`)) : undefined)),
  )
  t.after(() => system.stop())
  let bytesMax = 1_000_000
  for (const step of of('reload')) {
    const next = { ...config, domains: ['a.example'], transfer: { ...config.transfer, messageBytesMax: ++bytesMax } }
    failing = step
    await assert.rejects(system.reload(next), { message: `injected at ${step}` })
    for (const service of ['smtp', 'imap'] as const) assert.equal(await greets(service), true, `${step}: ${service}`)
    failing = ''
    await system.reload(next)
    assert.equal(system.config.transfer.messageBytesMax, bytesMax)
    assert.equal(await greets('imap'), true, step)
  }
  assert.ok(system.store.read.isLocalDomain('a.example'))
})

for (const how of ['fails', 'hangs']) {
  test(`a stop of which any part ${how} is over in its time, and names it`, async () => {
    const program = join(process.env['PENNYPOST_OUT']!, 'test/stories/bad-stop.program.js')
    const { status, out, err } = await run(program, [base, how, ...of('stop')])
    assert.deepEqual([status, err], [0, ''])
    const names = of('stop').map((part) => part.slice('stop '.length))
    assert.deepEqual(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
      of('stop').map((part, n) => ({ part, left: [names[n]], told: [names[n]] })),
    )
  })
}
