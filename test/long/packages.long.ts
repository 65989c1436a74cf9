/**
 * The tarball and the .deb with their own Node: unpacked, installed, upgraded beside mail, removed and purged. Each in a root of its own, a
 * layer over this machine's, without its network: nothing of the machine changes. Needs root, unshare and overlayfs.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { before, test } from 'node:test'

const skip = process.env.CI !== 'true' && process.getuid?.() !== 0 ? 'needs root' : false
const packages = resolve('build/packages')
const versions = ['0.0.1', '0.0.2']

before(() => {
  if (skip) return
  for (const version of versions) {
    if (existsSync(join(packages, `pennypost_${version}_amd64.deb`))) continue
    const made = spawnSync(process.execPath, ['scripts/package.mjs', '--version', version], { encoding: 'utf8' })
    assert.equal(made.status, 0, made.stderr)
  }
})

/** Runs a script as root in a layer over this machine's files, with a loopback of its own. @returns what it said. */
function inLayer(script: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'layer-'))
  writeFileSync(
    join(folder, 'outer'),
    `set -e
mkdir -p /mnt && mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
mount -t proc proc /mnt/root/proc
mount --rbind /dev /mnt/root/dev
mount -t tmpfs tmpfs /mnt/root/run
ip link set lo up
mkdir -p /mnt/root/packages && cp ${packages}/*0.0.[12]* /mnt/root/packages/
cp "$1" /mnt/root/packages/inner
exec chroot /mnt/root /bin/sh -e /packages/inner
`,
  )
  writeFileSync(join(folder, 'inner'), script)
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['--mount', '--net', '--pid', '--fork', '--kill-child', 'sh', join(folder, 'outer'), join(folder, 'inner')],
    { encoding: 'utf8', timeout: 300_000, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' } },
  )
  rmSync(folder, { recursive: true, force: true })
  assert.equal(status, 0, `${stdout}\n${stderr}`)
  return stdout
}

/** What every script has: a way to wait, to send and to count. */
const tools = `
export DEBIAN_FRONTEND=noninteractive
until_up() { for i in $(seq 100); do curl -fsS http://127.0.0.1/readyz >/dev/null 2>&1 && return; sleep 0.2; done; cat /tmp/serve.log; exit 1; }
send() { swaks --silent 3 --server 127.0.0.1:25 --to alice@example.test --from eve@there.example --body "$1"; }
count() { pennypost mailbox list alice@example.test --json --config /etc/pennypost/pennypost.toml | tr -d ' \\n' | grep -o '"name":"INBOX"[^}]*"messages":[0-9]*' | grep -o '[0-9]*$'; }
`

test(
  'the .deb: installed, asked for a domain, serving; upgraded with its mail; removed and purged, and the mail stays',
  { skip },
  () => {
    const said = inLayer(`${tools}
for mta in $(dpkg -l | awk '/^ii/ {print $2}' | grep -E '^(postfix|exim4.*|opensmtpd|msmtp-mta|ssmtp)$'); do dpkg --purge --force-depends $mta >/dev/null 2>&1; done
dpkg -i /packages/pennypost_0.0.1_amd64.deb >/dev/null
echo "user: $(id -un pennypost), configuration: $(stat -c '%U:%G %a' /etc/pennypost)"
dpkg -s pennypost | grep ^Version
pennypost quickstart example.test --hostname mail.example.test --account alice@example.test --yes --no-check --address 127.0.0.1 >/dev/null
serve() { pennypost serve --config /etc/pennypost/pennypost.toml >/tmp/serve.log 2>&1 & echo $! > /tmp/pid; until_up; }
stop() { kill $(cat /tmp/pid); while kill -0 $(cat /tmp/pid) 2>/dev/null; do sleep 0.1; done; }
serve
echo "runs as: $(ps -o user= -p $(cat /tmp/pid)), its Node: $(readlink /proc/$(cat /tmp/pid)/exe)"
send one
printf 'From: root\\nTo: alice@example.test\\nSubject: by sendmail\\n\\nHello\\n' | /usr/sbin/sendmail -t
sleep 1
echo "messages: $(count)"
stop
dpkg -i /packages/pennypost_0.0.2_amd64.deb >/dev/null
dpkg -s pennypost | grep ^Version
serve
send two
echo "messages: $(count)"
pennypost verify --config /etc/pennypost/pennypost.toml | tail -1 | cut -d: -f1
stop
dpkg -r pennypost >/dev/null 2>&1
echo "program: $(ls /usr/lib/pennypost /usr/bin/pennypost /usr/sbin/sendmail 2>/dev/null | wc -l), configuration: $(ls /etc/pennypost)"
dpkg --purge pennypost 2>&1 | grep 'mail is still'
echo "configuration: $(ls /etc/pennypost 2>/dev/null | wc -l), mail: $(ls /var/lib/pennypost | grep -c pennypost.db$)"
`)
    assert.deepEqual(said.trimEnd().split('\n'), [
      'user: pennypost, configuration: root:pennypost 750',
      'Version: 0.0.1',
      'runs as: pennypost, its Node: /usr/lib/pennypost/node/node',
      'messages: 2',
      'Version: 0.0.2',
      'messages: 3',
      'All is well',
      'program: 0, configuration: pennypost.toml',
      'The mail is still in /var/lib/pennypost: remove it yourself when you are sure.',
      'configuration: 0, mail: 1',
    ])
  },
)

test('the tarball runs from any folder, with its own Node, by its own names', { skip }, () => {
  const said = inLayer(`${tools}
mkdir '/opt/a b' && cd '/opt/a b'
tar xzf /packages/pennypost-0.0.1-linux-x64.tar.gz
rm -f /usr/bin/node /usr/local/bin/node
ln -s "$PWD/pennypost-0.0.1-linux-x64/pennypost" /usr/bin/pennypost
cd /
pennypost version | sed 's/on Node 24.*/on its Node/'
pennypost domain add example.test --data /tmp/data
pennypost account add alice@example.test --generate --data /tmp/data | head -1
'/opt/a b/pennypost-0.0.1-linux-x64/mailq' 2>&1 | head -1
`)
  assert.match(
    said,
    /^Pennypost \S+ on its Node\nAdded domain example\.test\.\nCreated account alice@example\.test\.\n/,
  )
})
