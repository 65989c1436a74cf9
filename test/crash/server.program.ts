// The server that the crash test kills: the whole system on free ports, with accounts a@ b@ c@, passwords "password".
//   node server.program.js FOLDER [LARGEST MESSAGE IN MB] [PORT: where mail to others goes]
import { writeSync } from 'node:fs'
import { silentLog } from '../../src/base/log.ts'
import { parseConfig } from '../../src/config/load.ts'
import { addAccount } from '../../src/admin/provision.ts'
import { realPlatform, startSystem } from '../../src/system.ts'

const folder = process.argv[2]!
const listener = (service: string): string =>
  `[[listener]]\nservice = "${service}"\naddress = "127.0.0.1:0"\nplaintextAuth = true\n`
const relay = process.argv[4]
// Retries come soon, and anybody here may send to anybody.
const outward =
  relay === undefined
    ? ''
    : `retryAfterMs = ["1s"]\ntransfersPerDestinationMax = 8\n[[route]]\ndomain = "*"\nto = "127.0.0.1:${relay}"\ntls = "none"\n`
const trusted = relay === undefined ? '' : 'trustedNetworks = ["127.0.0.0/8"]\n'
const config = await parseConfig(
  `hostname = "mx.example.test"\ndata = ${JSON.stringify(folder)}\ndomains = ["example.test"]\n${trusted}${['smtp', 'imap'].map(listener).join('')}[transfer]\nmessageBytesMax = "${process.argv[3] ?? '50'}MB"\n${outward}`,
  `${folder}.toml`,
)
const system = await startSystem(config, realPlatform(config, silentLog))
for (const name of ['a', 'b', 'c']) {
  if (!(await system.store.read.account(`${name}@example.test`))) {
    await addAccount(system.store, `${name}@example.test`, 'password', { nowMs: Date.now() })
  }
}
const port = (service: string): number => system.listening.find((one) => one.service === service)!.port
writeSync(1, `${port('smtp')} ${port('imap')}\n`)
process.on('SIGTERM', () => void system.stop().then(() => process.exit(0)))
