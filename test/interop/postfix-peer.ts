/** Debian's Postfix as a peer, with a configuration, queue and log of its own. */
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mailUser, peerUsers, withoutPeer, type Launch, type MailPeer, type Place, type Stage } from './mail-peer.ts'

const services = `
pickup    unix  n  -  n  60  1  pickup
cleanup   unix  n  -  n  -   0  cleanup
qmgr      unix  n  -  n  300 1  qmgr
tlsmgr    unix  -  -  n  1000? 1 tlsmgr
rewrite   unix  -  -  n  -   -  trivial-rewrite
bounce    unix  -  -  n  -   0  bounce
defer     unix  -  -  n  -   0  bounce
trace     unix  -  -  n  -   0  bounce
verify    unix  -  -  n  -   1  verify
flush     unix  n  -  n  1000? 0 flush
proxymap  unix  -  -  n  -   -  proxymap
smtp      unix  -  -  n  -   -  smtp
relay     unix  -  -  n  -   -  smtp
showq     unix  n  -  n  -   -  showq
error     unix  -  -  n  -   -  error
retry     unix  -  -  n  -   -  error
discard   unix  -  -  n  -   -  discard
local     unix  -  n  n  -   -  local
virtual   unix  -  n  n  -   -  virtual
anvil     unix  -  -  n  -   1  anvil
scache    unix  -  -  n  -   1  scache
postlog   unix-dgram n - n - 1  postlogd
`

const restrictions: Readonly<Record<Stage, string>> = {
  connect: 'smtpd_client_restrictions',
  hello: 'smtpd_helo_restrictions',
  mail: 'smtpd_sender_restrictions',
  rcpt: 'smtpd_recipient_restrictions',
  data: 'smtpd_data_restrictions',
  message: 'smtpd_end_of_data_restrictions',
}

export const postfix: MailPeer = {
  name: 'Postfix',
  skip: withoutPeer('/usr/sbin/postfix'),
  cannot: { 'sends BDAT': 'its client knows DATA only' },
  prepare(place) {
    const { folder, address, clearAddress } = place
    const config = join(folder, 'etc')
    const log = join(folder, 'maillog')
    const data = join(folder, 'data')
    for (const path of [config, join(folder, 'queue'), data]) mkdirSync(path, { recursive: true })
    const [, uid, gid] = /^postfix:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'latin1'))!
    chownSync(data, Number(uid), Number(gid))
    const clear = `${clearAddress}:25 inet n - n - - smtpd -o smtpd_tls_security_level=none`
    writeFileSync(join(config, 'master.cf'), `${address}:25 inet n - n - - smtpd\n${clear}${services}`)
    writeFileSync(join(config, 'main.cf'), mainCf(place, log))
    return { command: `exec postfix -c ${config} start-fg`, logs: [log] } satisfies Launch
  },
}

/** In place of a file for a table. */
function inline(rows: readonly (readonly [key: string, value: string])[]): string {
  return `inline:{ ${rows.map(([key, value]) => `{ ${key} = ${value} }`).join(', ')} }`
}

function mainCf(place: Place, log: string): string {
  const { folder, domains, users } = place
  const uid = peerUsers[mailUser]
  const boxes = domains.flatMap((domain) => users.map((user) => [`${user}@${domain}`, `${user}/`] as const))
  const refusals = Object.entries(restrictions).map(([stage, name]) => {
    const rows = place.refusals.filter((one) => one.stage === stage)
    const values = rows.map(({ address, code, words }) => [address, `${code}50 ${code}.7.1 ${words}`] as const)
    return rows.length === 0 ? '' : `${name} = check_client_access ${inline(values)}`
  })
  return `compatibility_level = 3.6
myhostname = ${place.hostname}
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
queue_directory = ${join(folder, 'queue')}
data_directory = ${join(folder, 'data')}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = ${existsSync('/usr/lib/postfix/libpostfix-global.so') ? '/usr/lib/postfix' : 'no'}
mail_owner = postfix
setgid_group = postdrop
maillog_file = ${log}
maillog_file_prefixes = ${folder}
alias_maps =
alias_database =
virtual_mailbox_domains = ${domains.join(' ')}
virtual_mailbox_base = ${join(folder, 'mail')}
virtual_mailbox_maps = ${inline(boxes)}
virtual_uid_maps = static:${uid}
virtual_gid_maps = static:${uid}
virtual_mailbox_limit = 0
relay_domains = ${place.relays.join(' ')}
relay_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_delay_reject = no
smtpd_helo_required = yes
${refusals.filter((line) => line !== '').join('\n')}
smtpd_tls_security_level = may
smtpd_tls_chain_files = ${place.key}, ${place.certificate}
smtp_tls_security_level = dane
smtp_dns_support_level = dnssec
smtp_tls_loglevel = 1
minimal_backoff_time = 2s
maximal_backoff_time = 2s
queue_run_delay = 1s
smtp_connect_timeout = 5s
`
}
