/** `pennypost route`: an operator asks where mail would go. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runCli } from '../../src/cli/cli.ts'
import { removeFolder, temporaryFolder } from './program.ts'

const folder = temporaryFolder()
after(() => removeFolder(folder))

const file = join(folder, 'pennypost.toml')
writeFileSync(
  file,
  `[dns]
lookups = false
hosts = { "b.lan" = ["10.0.0.2", "fd00::2"] }
[[route]]
domain = "*"
sender = "@a.example"
to = ["10.0.0.9:587", "10.0.0.8"]
username = "us"
passwordFile = "secret"
[[route]]
domain = "c.lan"
to = "10.0.0.7"
proxy = "socks5://127.0.0.1:9050"
`,
)

async function route(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const status = await runCli(['route', ...args, '--config', file], {
    isPerson: false,
    out: (text) => void (said.out += text),
    note: (text) => void (said.err += text),
    readSecret: async () => undefined,
    readLine: async () => '',
    environment: {},
    onSignal: () => () => {},
    exit() {},
  })
  return { status, ...said }
}

test('hosts, addresses, what TLS they need, how we sign in', async () => {
  assert.deepEqual(await route('b.lan'), {
    status: 0,
    out: 'b.lan:25  10.0.0.2 fd00::2\n  encrypted if the host can\n',
    err: '',
  })
  assert.equal(
    (await route('bob@b.lan', '--from', 'Alice@A.example')).out,
    `10.0.0.9:587  10.0.0.9
  encrypted, with a certificate for 10.0.0.9
  signs in as us
10.0.0.8:25  10.0.0.8
  encrypted, with a certificate for 10.0.0.8
  signs in as us
`,
  )
  assert.match((await route('c.lan')).out, /\n {2}through 127\.0\.0\.1:9050\n/)
})

test('nowhere is status 1, nonsense too; as JSON for scripts', async () => {
  assert.deepEqual(await route('nowhere.example'), {
    status: 1,
    out: '',
    err: 'No route: 550 5.1.2 The domain does not exist or has no mail host\n',
  })
  assert.match((await route('not a domain')).err, /"not a domain" is not a domain name/)
  const { hosts } = JSON.parse((await route('b.lan', '--json')).out)
  assert.deepEqual([hosts[0].name, hosts[0].security], ['b.lan', 'opportunistic'])
})
