/** Start, reload and stop with each of their steps failing in turn. The steps are those that a good run tells: a new one is tried by itself. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { join } from 'node:path'
import { silentLog } from '../../src/base/log.ts'
import type { Log } from '../../src/base/log.ts'
import type { Config } from '../../src/config/config.ts'
import { defaultConfig } from '../../src/config/load.ts'
import { realNetwork } from '../../src/platform/real/network.ts'
import { realPlatform, startSystem, type Platform } from '../../src/system.ts'
import type { System } from '../../src/system/types.ts'
import { freePort } from '../support/free-port.ts'
import { removeFolder, temporaryFolder } from './program.ts'

const base = temporaryFolder()
after(() => removeFolder(base))

const ports = { smtp: await freePort(), imap: await freePort(), http: await freePort() }
const graceMs = 2000

/** Ports that stay the same: what a failed start holds, the next one misses. */
function configOf(name: string): Config {
  const defaults = defaultConfig()
  return {
    ...defaults,
    data: join(base, name),
    submitSocket: join(base, name, 'submit.sock'),
    domains: [],
    listeners: defaults.listeners
      .filter(({ service }) => service in ports)
      .map((one) => ({ ...one, port: ports[one.service as 'smtp'] })),
    limits: { ...defaults.limits, shutdownGraceMs: graceMs },
  }
}

function withAnyPort(config: Config): Config {
  return { ...config, listeners: config.listeners.map((one) => ({ ...one, port: 0 })) }
}

function platformOf(config: Config, watchSteps: Platform['watchSteps'], log: Log = silentLog): Platform {
  return { ...realPlatform(config, log), watchSteps }
}

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

/** The steps of a whole life: a start, a reload, a stop. */
async function stepsOf(name: string): Promise<string[]> {
  const steps: string[] = []
  const config = configOf(name)
  const system = await startSystem(
    config,
    platformOf(config, (step) => void steps.push(step)),
  )
  await system.reload(config)
  assert.deepEqual(await system.stop(), [])
  return steps
}

const steps = await stepsOf('all')
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

for (const [how, deed] of Object.entries({
  fails: () => Promise.reject(new Error('injected')),
  hangs: () => new Promise<void>(() => {}),
})) {
  test(`a stop of which any part ${how} is over in its time, and names it`, async () => {
    for (const part of of('stop')) {
      const events: { event: string; part: unknown }[] = []
      const error = (event: string, facts: Record<string, unknown> = {}): void =>
        void events.push({ event, part: facts['part'] })
      // What is left behind here holds its place until the process ends.
      const config = withAnyPort(configOf(`stop ${how} ${part}`))
      const system: System = await startSystem(
        config,
        platformOf(config, (step) => (step === part ? deed() : undefined), { ...silentLog, error }),
      )
      const name = part.slice('stop '.length)
      assert.deepEqual(await system.stop(), [name])
      assert.deepEqual(
        events.map((one) => one.part),
        [name],
      )
      assert.equal(await system.ended, undefined)
    }
  })
}
