/** A system on real sockets that sends to a scripted server, and what came of it. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { parseIpNetwork } from '../../src/base/ip-network.ts'
import { silentLog } from '../../src/base/log.ts'
import { Wheel } from '../../src/base/wheel.ts'
import type { Config } from '../../src/config/config.ts'
import { defaultConfig } from '../../src/config/load.ts'
import { realClock } from '../../src/platform/real/clock.ts'
import { realNetwork } from '../../src/platform/real/network.ts'
import { SmtpClient, type OutgoingEnvelope } from '../../src/protocol/smtp/client.ts'
import type { System } from '../../src/system/types.ts'
import { realPlatform, startSystem, type Platform } from '../../src/system.ts'
import { smtpServer, type SmtpServer, type SmtpServerOptions } from '../support/smtp-server.ts'
import { bytesOfText } from './world.ts'

export class Ways {
  readonly system: System
  readonly server: SmtpServer
  readonly folder: string

  constructor(system: System, server: SmtpServer, folder: string) {
    this.system = system
    this.server = server
    this.folder = folder
  }

  /** From pat@far.example to bob. @returns 'gone', or the last reply of what waits. */
  async send(text = 'Subject: hello\n\nhello\n', more: Partial<OutgoingEnvelope> = {}): Promise<string> {
    const { address, port } = this.system.listening[0]!
    const tools = { network: realNetwork, clock: realClock, wheel: new Wheel(realClock), log: silentLog }
    const client = await SmtpClient.connect({ ...tools, address, port, hostname: 'c.example', connectTimeoutMs: 5000 })
    await client.startTls({ serverName: 'localhost', verify: 'none' })
    const recipients = more.recipients ?? ['bob@b.example']
    const envelope = { reversePath: 'pat@far.example', recipients, body: '7bit', smtpUtf8: false, ...more } as const
    const sent = await client.send(envelope, bytesOfText(text))
    assert.deepEqual(
      sent.recipients.map(({ code }) => code),
      [250],
    )
    await client.quit()
    // A 250 says durable; a commit that waits to be visible comes after those before it.
    await this.system.store.commit([{ kind: 'settingSet', name: 'seen', value: '' }])
    for (;;) {
      const rows = await this.system.store.read.queue(0, 10)
      const row = rows.find(({ address }) => address === recipients[0])
      if (!row) return 'gone'
      if (row.state !== 'leased' && row.attempts > 0) return row.lastReply ?? ''
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** Whether anything of a message of pat's was said, and how. */
  get said(): 'nothing' | 'in clear' | 'encrypted' {
    const mail = this.server.heard.find((line) => line.includes('MAIL FROM:<pat@'))
    return mail === undefined ? 'nothing' : mail.startsWith('+ ') ? 'encrypted' : 'in clear'
  }

  async trace(): Promise<string> {
    await this.system.stop()
    const folder = join(this.folder, 'data', 'trace')
    const files = await readdir(folder)
    return (await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))).join('')
  }
}

export interface WaysOptions {
  readonly server: SmtpServerOptions
  /** The server is there when the rest is asked for. */
  config?(server: SmtpServer, folder: string): Promise<Partial<Config>> | Partial<Config>
  within?(platform: Platform, server: SmtpServer): Platform
}

export async function openWays(t: TestContext, { server: said, config, within }: WaysOptions): Promise<Ways> {
  const folder = await mkdtemp(join(tmpdir(), 'ways-'))
  const server = await smtpServer(said)
  const defaults = defaultConfig()
  const all: Config = {
    ...defaults,
    hostname: 'localhost',
    data: join(folder, 'data'),
    submitSocket: join(folder, 'submit.sock'),
    domains: [],
    listeners: [
      {
        service: 'smtp',
        address: '127.0.0.1',
        port: 0,
        tls: 'starttls',
        plaintextAuth: false,
        bareNewline: 'refuse',
        publicPort: 0,
      },
    ],
    trustedNetworks: [parseIpNetwork('127.0.0.0/8')!],
    transfer: { ...defaults.transfer, hostname: 'localhost', smtpPort: server.port },
    ...(await config?.(server, folder)),
  }
  const platform = { ...realPlatform(all, silentLog), unixNetwork: undefined }
  const system = await startSystem(all, within?.(platform, server) ?? platform)
  t.after(async () => {
    await system.stop()
    await server.close()
    await rm(folder, { recursive: true, force: true })
  })
  return new Ways(system, server, folder)
}
