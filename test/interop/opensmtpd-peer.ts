/** Debian's OpenSMTPD as a peer, with a configuration and spool of its own. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mailUser, unpacked, withoutPeer, type Launch, type MailPeer, type Place, type Stage } from './mail-peer.ts'

const program = join(unpacked, 'usr', 'sbin', 'smtpd')

const phases: Readonly<Record<Stage, readonly string[]>> = {
  connect: ['connect'],
  hello: ['ehlo', 'helo'],
  mail: ['mail-from'],
  rcpt: ['rcpt-to'],
  data: ['data'],
  message: ['commit'],
}

export const openSmtpd: MailPeer = {
  name: 'OpenSMTPD',
  skip: withoutPeer(program),
  cannot: {
    'sends BDAT': 'it knows DATA only',
    'takes BDAT': 'it knows DATA only',
    'sends SMTPUTF8': 'it knows ASCII addresses only',
    'takes SMTPUTF8': 'it knows ASCII addresses only',
    'checks DANE': 'it asks for no TLSA records',
    'knows null MX': 'it takes it for a look-up that failed, and tries again for days',
    'tells ENVID': 'its reports leave it out',
    'takes STARTTLS': "its handshakes break with Debian 12's OpenSSL 3 (OpenSMTPD issue 1171)",
  },
  prepare(place) {
    const { folder } = place
    const config = join(folder, 'smtpd.conf')
    const log = join(folder, 'smtpd.log')
    const spool = join(folder, 'spool')
    mkdirSync(spool, { recursive: true })
    chmodSync(spool, 0o711)
    writeFileSync(config, configOf(place))
    chmodSync(config, 0o600)
    return {
      // These paths are built into it.
      before: [
        'for path in /var/spool /var/lib /run; do mount -t tmpfs -o mode=755 none $path; done',
        'mkdir -p /var/spool/smtpd /var/lib/opensmtpd/empty',
        `mount --bind ${spool} /var/spool/smtpd`,
        'mkdir -p /usr/libexec',
        `mount --bind ${join(unpacked, 'usr', 'libexec')} /usr/libexec`,
        `cp ${join(unpacked, 'usr', 'sbin', 'smtpctl')} /run/`,
        'chgrp opensmtpq /run/smtpctl && chmod g+s /run/smtpctl',
      ],
      command: `exec ${program} -d -v -f ${config} >>${log} 2>&1`,
      logs: [log],
      // What it closed its way to for a while, too.
      retry: `/run/smtpctl show routes | sed 's/[^0-9].*//' | while read -r id; do /run/smtpctl resume route $id; done; /run/smtpctl schedule all`,
    } satisfies Launch
  },
}

function configOf(place: Place): string {
  const { folder, hostname, domains, users } = place
  const list = (values: readonly string[]): string => `{ ${values.map((value) => `"${value}"`).join(', ')} }`
  const boxes = domains.flatMap((domain) => users.map((user) => `"${user}@${domain}" = "${mailUser}"`))
  const filters = place.refusals.flatMap(({ stage, code, address, words }) =>
    phases[stage].map((phase) => {
      const name = `${phase}${code}`
      const rule = `phase ${phase} match src <at_${name}> reject "${code}50 ${words}"`
      return { name, lines: `table "at_${name}" { "${address}" }\nfilter "${name}" ${rule}` }
    }),
  )
  const names = filters.map(({ name }) => `"${name}"`).join(', ')
  const filtered = filters.length === 0 ? '' : 'filter "all"'
  return `pki "${hostname}" cert "${place.certificate}"
pki "${hostname}" key "${place.key}"
table ours ${list(domains)}
table theirs ${list(place.relays)}
table boxes { ${boxes.join(', ')} }
${filters.map(({ lines }) => lines).join('\n')}
${filters.length === 0 ? '' : `filter "all" chain { ${names} }`}
listen on ${place.address} port 25 tls pki "${hostname}" hostname "${hostname}" ${filtered}
listen on ${place.clearAddress} port 25 hostname "${hostname}" ${filtered}
action "here" maildir "${join(folder, 'mail')}/%{dest.user}" virtual <boxes>
action "away" relay helo "${hostname}"
match from any for domain <ours> action "here"
match from any for domain <theirs> action "away"
`
}
