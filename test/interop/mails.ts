/** The mail that the clients are tried with. */
import type { RealSystem } from '../stories/real.ts'
import { alice, bob } from './programs.ts'

function mail(subject: string, body: string, more = ''): Buffer {
  return Buffer.from(
    `From: Alice <${alice}>\r\nTo: ${bob}\r\nSubject: ${subject}\r\nDate: Tue, 1 Jul 2025 10:52:37 +0200\r\n` +
      `Message-ID: <${Buffer.from(subject).toString('hex')}@a.example>\r\n${more}\r\n${body}`,
  )
}

/** Text of several lines that a client has to send or store unchanged. */
export const attachment = Buffer.from(Array.from({ length: 60_000 }, (_, at) => (at * 7919 + (at >> 3)) & 255))

const base64 = attachment.toString('base64').replace(/.{76}/g, '$&\r\n')
const utf8 = 'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n'

/** Each with something that a sloppy program breaks: dots, 8-bit text, "From " at a line's start, no body, size. */
export const mails: readonly Buffer[] = [
  mail('plain', 'Hello\r\n'),
  mail('dots', '.\r\n..\r\n.x\r\n\r\nFrom here on\r\n>From there\r\n.\r\n'),
  mail('=?utf-8?Q?Gr=C3=BC=C3=9Fe?=', 'Blumen für dich, 花\r\n', utf8),
  mail('empty', ''),
  mail(
    'attached',
    `--=-b\r\nContent-Type: text/plain\r\n\r\nsee below\r\n--=-b\r\nContent-Type: application/octet-stream; name="a.bin"\r\n` +
      `Content-Disposition: attachment; filename="a.bin"\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64}\r\n--=-b--\r\n`,
    'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="=-b"\r\n',
  ),
]

/** Lays messages into a mailbox as they are. */
export async function fill(
  real: RealSystem,
  user: string,
  messages: readonly Uint8Array[] = mails,
  mailbox = 'INBOX',
): Promise<void> {
  const imap = await real.imap(user)
  for (const message of messages) await imap.append(mailbox, message)
  await imap.logout()
}

/** One character a byte, lines ended by LF alone, as Unix programs keep them. */
export function unixText(message: Uint8Array | string): string {
  return (typeof message === 'string' ? message : Buffer.from(message).toString('latin1')).replaceAll('\r\n', '\n')
}
