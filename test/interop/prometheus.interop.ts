/** Prometheus scrapes a running system, evaluates our alert rules, and knows every metric that the dashboard asks for. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { startReal } from '../stories/real.ts'
import { alice, bob, run } from './programs.ts'

const programs = resolve('build/peers/usr/bin')
const rules = resolve('packaging/monitoring/prometheus-alerts.yml')
const dashboard = resolve('packaging/monitoring/grafana-dashboard.json')
const skip =
  process.env.CI !== 'true' && !existsSync(join(programs, 'promtool')) ? 'scripts/peers.sh was not run' : false

/** As `/metrics` is asked; bounded. */
const waitMs = 60_000

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  await new Promise((closed) => server.close(closed))
  return port
}

interface Queried {
  readonly status: string
  readonly error?: string
  readonly data?: {
    readonly result: readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[]
  }
}

class Prometheus {
  readonly #base: string
  readonly stop: () => Promise<void>

  private constructor(base: string, stop: () => Promise<void>) {
    this.#base = base
    this.stop = stop
  }

  static async start(target: string): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'prometheus-'))
    const port = await freePort()
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [rules],
      scrape_configs: [{ job_name: 'pennypost', static_configs: [{ targets: [target] }] }],
    }
    // JSON is YAML.
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config))
    const child = spawn(
      join(programs, 'prometheus'),
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    )
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
    return new Prometheus(`http://127.0.0.1:${port}/api/v1`, async () => {
      child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    })
  }

  async ask(path: string): Promise<Queried> {
    const response = await fetch(`${this.#base}/${path}`)
    return (await response.json()) as Queried
  }

  query(expression: string): Promise<Queried> {
    return this.ask(`query?query=${encodeURIComponent(expression)}`)
  }

  /** Asks again until it has a value. */
  async value(expression: string): Promise<number> {
    const untilMs = Date.now() + waitMs
    for (;;) {
      const found = await this.query(expression).catch(() => undefined)
      const [first] = found?.data?.result ?? []
      if (first) return Number(first.value[1])
      assert.ok(Date.now() < untilMs, `${expression} has no value: ${JSON.stringify(found)}`)
      await new Promise((later) => setTimeout(later, 200))
    }
  }
}

test('the alert rules are right, and tell what they should of figures that are bad', { skip }, async () => {
  const checked = await run(join(programs, 'promtool'), ['check', 'rules', rules])
  assert.equal(checked.code, 0, checked.out + checked.err)
  const folder = mkdtempSync(join(tmpdir(), 'promtool-'))
  const series = (series: string, values: string) => ({ series, values })
  const fires = (time: string, name: string, labels: Record<string, string> | undefined) => ({
    eval_time: time,
    alertname: name,
    exp_alerts: labels ? [{ exp_labels: labels }] : [],
  })
  const of = (more: string): string => `{instance="a",job="pennypost"${more}}`
  const tests = {
    rule_files: [rules],
    evaluation_interval: '1m',
    tests: [
      {
        interval: '1m',
        input_series: [
          series(`up${of('')}`, '1x10 0x20'),
          series(`pennypost_trouble${of(',what="disk"')}`, '0x10 1x20'),
          series(`pennypost_queue${of(',state="deferred"')}`, '200+10x200'),
          series(`pennypost_recipients_total${of(',outcome="relayed"')}`, '0+60x200'),
          series(`pennypost_recipients_total${of(',outcome="bounced"')}`, '0+1x100 100+60x100'),
        ],
        alert_rule_test: [
          fires('9m', 'PennypostDown', undefined),
          fires('9m', 'PennypostRefusesMail', undefined),
          fires('90m', 'PennypostManyBounces', undefined),
        ],
      },
    ],
  }
  const file = join(folder, 'tests.yml')
  writeFileSync(file, JSON.stringify(tests))
  const quiet = await run(join(programs, 'promtool'), ['test', 'rules', file])
  assert.equal(quiet.code, 0, quiet.out + quiet.err)
  // The same figures a little later: what must fire is said to be silent, and promtool has to tell of each.
  tests.tests[0]!.alert_rule_test = [
    fires('14m', 'PennypostDown', undefined),
    fires('14m', 'PennypostRefusesMail', undefined),
    fires('130m', 'PennypostQueueGrows', undefined),
    fires('190m', 'PennypostManyBounces', undefined),
  ]
  writeFileSync(file, JSON.stringify(tests))
  const loud = await run(join(programs, 'promtool'), ['test', 'rules', file])
  const told = loud.out + loud.err
  for (const { alertname } of tests.tests[0]!.alert_rule_test)
    assert.match(told, new RegExp(`alertname: ${alertname}[^]*?got:\\[[^]*?Labels`), told)
  rmSync(folder, { recursive: true, force: true })
})

test('a running system is scraped; each metric of dashboard and alerts is one that it tells', { skip }, async () => {
  const data = mkdtempSync(join(tmpdir(), 'scraped-'))
  const real = await startReal({ users: [alice, bob], data, services: ['http'] })
  const page = `127.0.0.1:${real.port('http')}`
  const prometheus = await Prometheus.start(page)
  try {
    // Something of each kind: a message, refusals, sign-ins.
    const client = await real.smtp('smtp')
    const bytes = Buffer.from('From: eve@c.example\r\nSubject: x\r\n\r\nHello\r\n')
    const content = { sizeBytes: bytes.length, read: async (from: number, to: number) => bytes.subarray(from, to) }
    const envelope = { reversePath: '', recipients: [bob, 'nobody@a.example'], body: '7bit' as const, smtpUtf8: false }
    await client.send(envelope, content)
    await client.send({ ...envelope, recipients: ['nil@a.example'] }, content)
    await client.quit()
    const imap = await real.imap(bob)
    assert.equal(await prometheus.value('up{job="pennypost"}'), 1)
    assert.equal(await prometheus.value('pennypost_messages_received_total{service="smtp"}'), 1)
    assert.equal(await prometheus.value('pennypost_recipients_total{outcome="filed"}'), 1)
    assert.equal(await prometheus.value('sum(pennypost_recipients_refused_total{status="5.1.1"})'), 2)
    assert.equal(await prometheus.value('pennypost_sign_ins_total{outcome="succeeded",by="password"}'), 1)
    assert.equal(await prometheus.value('pennypost_sessions{service="imaps"}'), 1)
    assert.equal(await prometheus.value('pennypost_delivery_delay_seconds_count{outcome="filed"}'), 1)
    assert.equal(await prometheus.value('count(pennypost_trouble)'), 7)
    assert.equal(await prometheus.value('sum(pennypost_trouble)'), 0)
    assert.ok((await prometheus.value('pennypost_disk_free_bytes')) > 0)
    assert.ok((await prometheus.value('pennypost_certificate_expiry_timestamp_seconds')) > Date.now() / 1000)
    assert.ok((await prometheus.value('sum(rate(pennypost_loop_delay_seconds_count[10s]))')) >= 0)
    await imap.logout()

    const told = await (await fetch(`http://${page}/metrics`)).text()
    const { panels } = JSON.parse(readFileSync(dashboard, 'utf8')) as {
      panels: { title: string; targets: { expr: string }[] }[]
    }
    assert.ok(panels.length > 10)
    const expressions = panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })))
    for (const { title, expr } of expressions) {
      const { status, error } = await prometheus.query(
        expr.replaceAll('$__rate_interval', '10s').replaceAll('$instance', '.*'),
      )
      assert.equal(status, 'success', `${title}: ${error ?? ''}`)
    }
    const asked = [...expressions.map(({ expr }) => expr), readFileSync(rules, 'utf8')].join('\n')
    for (const [name] of asked.matchAll(/\b(?:pennypost|process)_[a-z_]+/g)) {
      const family = name.replace(/_(?:total|bucket|count|sum)$/, '')
      assert.match(told, new RegExp(`^# TYPE (?:${name}|${family}) `, 'm'), `${name} is not told`)
    }
  } finally {
    await prometheus.stop()
    await real.stop()
    rmSync(data, { recursive: true, force: true })
  }
})
