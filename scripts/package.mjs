// Makes a tarball and a .deb that carry their own Node, for machines whose Node is too old (Debian 12 has 18) or missing:
//   node scripts/package.mjs [--arch x64|arm64] [--node 24] [--version 0.3.0]
// They lie in build/packages/ then. Everything comes from npm: Pennypost as it is published, its packages, and Node (node-linux-ARCH).
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { values } = parseArgs({
  options: {
    arch: { type: 'string', default: 'x64' },
    node: { type: 'string', default: '24' },
    version: { type: 'string' },
  },
})
const { arch, node } = values
const debianArch = { x64: 'amd64', arm64: 'arm64' }[arch]
if (debianArch === undefined) {
  console.error(`There is no package for ${arch}: take x64 or arm64`)
  process.exit(2)
}
const facts = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const version = values.version ?? facts.version
const out = join(root, 'build', 'packages')
const work = join(out, `work-${process.pid}`)

function run(program, args, cwd = root) {
  const { status, stdout } = spawnSync(program, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' })
  if (status === 0) return stdout
  rmSync(work, { recursive: true, force: true })
  console.error(`${program} ${args.join(' ')} failed`)
  process.exit(1)
}

/** Gets a package of npm as it is there, unpacked into `folder`. */
function unpack(name, folder) {
  mkdirSync(folder, { recursive: true })
  const [{ filename }] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', folder, name]))
  run('tar', ['xzf', join(folder, filename), '-C', folder, '--strip-components=1'])
  rmSync(join(folder, filename))
}

/** The program with its packages and its Node, as it stands in both. */
function stage(folder) {
  unpack('.', folder)
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  // The lockfile's versions: what is packaged is what was tested.
  cpSync(join(root, 'package-lock.json'), join(folder, 'package-lock.json'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, scripts: {}, version }, null, 2))
  const platform = ['--os', 'linux', '--cpu', arch, '--libc', 'glibc']
  run('npm', ['ci', '--omit=dev', '--omit=peer', '--ignore-scripts', '--no-audit', '--no-fund', ...platform], folder)
  const node24 = join(work, 'node')
  unpack(`node-linux-${arch}@${node}`, node24)
  mkdirSync(join(folder, 'node'))
  renameSync(join(node24, 'bin', 'node'), join(folder, 'node', 'node'))
  cpSync(join(node24, 'LICENSE'), join(folder, 'node', 'LICENSE'))
  rmSync(node24, { recursive: true })
}

/** @param home where the program lies, as the shell finds it. */
function wrapper(path, home, name) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `#!/bin/sh\nexec ${home}/node/node ${home}/bin/pennypost.js ${name}"$@"\n`)
  chmodSync(path, 0o755)
}

function makeTarball() {
  const name = `pennypost-${version}-linux-${arch}`
  const folder = join(work, name)
  stage(join(folder, 'lib'))
  const home = '"$(dirname "$(readlink -f "$0")")"/lib'
  wrapper(join(folder, 'pennypost'), home, '')
  for (const traditional of ['sendmail', 'mailq', 'newaliases'])
    wrapper(join(folder, traditional), home, `${traditional} `)
  for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md']) cpSync(join(root, file), join(folder, file))
  run('tar', ['czf', join(out, `${name}.tar.gz`), '--owner=0', '--group=0', '-C', work, name])
  return { folder, file: `${name}.tar.gz` }
}

/** @param lib the staged program. */
function makeDeb(lib) {
  const folder = join(work, 'deb')
  const home = '/usr/lib/pennypost'
  mkdirSync(join(folder, 'usr', 'lib'), { recursive: true })
  renameSync(lib, join(folder, home))
  wrapper(join(folder, 'usr', 'bin', 'pennypost'), home, '')
  wrapper(join(folder, 'usr', 'sbin', 'sendmail'), home, 'sendmail ')
  for (const traditional of ['mailq', 'newaliases'])
    wrapper(join(folder, 'usr', 'bin', traditional), home, `${traditional} `)
  const units = join(folder, 'lib', 'systemd', 'system')
  mkdirSync(units, { recursive: true })
  const unit = readFileSync(join(root, 'packaging', 'pennypost.service'), 'utf8')
  writeFileSync(join(units, 'pennypost.service'), unit.replace('/usr/bin/env pennypost', '/usr/bin/pennypost'))
  const about = join(folder, 'usr', 'share', 'doc', 'pennypost')
  mkdirSync(about, { recursive: true })
  cpSync(join(root, 'LICENSE'), join(about, 'copyright'))
  cpSync(join(root, 'CHANGELOG.md'), join(about, 'changelog'))
  const control = join(folder, 'DEBIAN')
  mkdirSync(control)
  for (const script of ['postinst', 'prerm', 'postrm']) {
    cpSync(join(root, 'packaging', 'debian', script), join(control, script))
    chmodSync(join(control, script), 0o755)
  }
  const sizeKb = run('du', ['-sk', folder]).split('\t')[0]
  writeFileSync(
    join(control, 'control'),
    [
      'Package: pennypost',
      `Version: ${version.replace('-', '~')}`,
      `Architecture: ${debianArch}`,
      'Maintainer: The Pennypost authors',
      `Installed-Size: ${sizeKb}`,
      'Depends: libc6 (>= 2.28), libstdc++6, passwd',
      'Recommends: ca-certificates',
      // One program answers as sendmail.
      'Provides: mail-transport-agent, imap-server, pop3-server',
      'Conflicts: mail-transport-agent',
      'Replaces: mail-transport-agent',
      'Section: mail',
      'Priority: optional',
      'Description: complete email system in one program',
      ' Takes, queues, relays, files and serves mail by SMTP, submission, LMTP, IMAP and',
      ' POP3, each with TLS. It carries its own Node.',
      '',
    ].join('\n'),
  )
  const file = `pennypost_${version.replace('-', '~')}_${debianArch}.deb`
  run('dpkg-deb', ['--root-owner-group', '-Zxz', '-z1', '--build', folder, join(out, file)])
  return file
}

mkdirSync(work, { recursive: true })
const { folder, file } = makeTarball()
const made = [file, makeDeb(join(folder, 'lib'))]
rmSync(work, { recursive: true, force: true })
for (const name of readdirSync(out)) if (made.includes(name)) console.log(join(out, name))
