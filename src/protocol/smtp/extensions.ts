/** EHLO keywords without a verb of their own: parameters of MAIL, and what the session does anyway. */
import type { ServerState } from './command.ts'

export const extensions: readonly ((state: ServerState) => string | undefined)[] = [
  // RFC 2920: replies to one read leave in one write.
  () => 'PIPELINING',
  // RFC 6152 and RFC 6531: parameters of MAIL.
  () => '8BITMIME',
  () => 'SMTPUTF8',
  // RFC 3030 §3: a value of BODY; its octets come by BDAT.
  () => 'BINARYMIME',
  // RFC 3461: parameters of MAIL and RCPT. LMTP has it too, RFC 2033 §5 leaves it to us.
  () => 'DSN',
  // RFC 2034: every reply but the greeting and EHLO's has one.
  () => 'ENHANCEDSTATUSCODES',
  // RFC 8689 §2: only where the session itself has TLS.
  ({ host }) => (host.tls ? 'REQUIRETLS' : undefined),
  // RFC 2852 §2: with the least time, in seconds, that is taken for a message which is to come back when it is late.
  ({ policy, nowMs }) => (nowMs === undefined ? undefined : `DELIVERBY ${Math.ceil(policy.deliverByMinMs / 1000)}`),
  // RFC 6710 §3: the name of our priority policy is not told.
  () => 'MT-PRIORITY',
  // RFC 4865 §3: the longest interval, and the moment at which it ends.
  ({ submission, policy: { futureReleaseMaxMs }, nowMs }) =>
    submission && nowMs !== undefined && futureReleaseMaxMs > 0
      ? `FUTURERELEASE ${Math.floor(futureReleaseMaxMs / 1000)} ${formatUtc(nowMs + futureReleaseMaxMs)}`
      : undefined,
  // RFC 3865 §2.1: the sign on the door.
  ({ policy: { noSoliciting } }) => (noSoliciting.length > 0 ? `NO-SOLICITING ${noSoliciting.join(',')}` : undefined),
  // RFC 9422 §4.1, §4.2: what else MAIL and RCPT would tell only by refusing.
  ({ policy: { messagesMax, recipientsMax } }) =>
    `LIMITS ${messagesMax > 0 ? `MAILMAX=${messagesMax} ` : ''}RCPTMAX=${recipientsMax}`,
]

/** RFC 3339, without fractions. */
function formatUtc(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`
}
