/** Debian's Postfix as a peer, with a configuration, queue and log of its own. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { mailUser, peerUsers, withoutPeer, type Launch, type MailPeer, type Place, type Stage } from './mail-peer.ts'
import { writePostfix } from '../support/private-postfix.ts'

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
    const log = join(folder, 'maillog')
    const config = writePostfix(folder, {
      listeners: [
        `${address}:25 inet n - n - - smtpd`,
        `${clearAddress}:25 inet n - n - - smtpd -o smtpd_tls_security_level=none`,
      ],
      settings: settingsOf(place, log),
    })
    return { command: `exec postfix -c ${config} start-fg`, logs: [log] } satisfies Launch
  },
}

/** In place of a file for a table. */
function inline(rows: readonly (readonly [key: string, value: string])[]): string {
  return `inline:{ ${rows.map(([key, value]) => `{ ${key} = ${value} }`).join(', ')} }`
}

function settingsOf(place: Place, log: string): Record<string, string | number> {
  const { folder, domains, users } = place
  const uid = peerUsers[mailUser]
  const boxes = domains.flatMap((domain) => users.map((user) => [`${user}@${domain}`, `${user}/`] as const))
  const refusals = Object.entries(restrictions).flatMap(([stage, name]) => {
    const rows = place.refusals.filter((one) => one.stage === stage)
    const values = rows.map(({ address, code, words }) => [address, `${code}50 ${code}.7.1 ${words}`] as const)
    return rows.length === 0 ? [] : [[name, `check_client_access ${inline(values)}`] as const]
  })
  return {
    myhostname: place.hostname,
    mynetworks: '127.0.0.0/8',
    shlib_directory: existsSync('/usr/lib/postfix/libpostfix-global.so') ? '/usr/lib/postfix' : 'no',
    maillog_file: log,
    maillog_file_prefixes: folder,
    virtual_mailbox_domains: domains.join(' '),
    virtual_mailbox_base: join(folder, 'mail'),
    virtual_mailbox_maps: inline(boxes),
    virtual_uid_maps: `static:${uid}`,
    virtual_gid_maps: `static:${uid}`,
    virtual_mailbox_limit: 0,
    relay_domains: place.relays.join(' '),
    smtpd_relay_restrictions: 'permit_mynetworks, reject',
    smtpd_delay_reject: 'no',
    smtpd_helo_required: 'yes',
    ...Object.fromEntries(refusals),
    smtpd_tls_security_level: 'may',
    smtpd_tls_chain_files: `${place.key}, ${place.certificate}`,
    smtp_tls_security_level: 'dane',
    smtp_dns_support_level: 'dnssec',
    smtp_tls_loglevel: 1,
    minimal_backoff_time: '2s',
    maximal_backoff_time: '2s',
    queue_run_delay: '1s',
    smtp_connect_timeout: '5s',
  }
}
