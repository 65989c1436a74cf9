/** The messages that go between us and other mail servers, and what must arrive of them. */
import type { OutgoingEnvelope } from '../../src/protocol/smtp/client.ts'

export type Compose = (subject: string, body: string, more?: string) => Buffer

export const fromPat: Compose = (subject, body, more) => message('Pat <pat@peer.example>', subject, body, more)
/** Alice's account may send as herself alone. */
export const fromAlice: Compose = (subject, body, more) => message('Alice <alice@us.example>', subject, body, more)

function message(from: string, subject: string, body: string, more = ''): Buffer {
  const head = [
    'Date: Mon, 1 Jan 2024 10:00:00 +0000',
    `From: ${from}`,
    'To: Somebody <somebody@else.example>',
    `Message-ID: <${subject.replace(/[^a-z0-9]/gi, '.')}@peer.example>`,
    `Subject: ${subject}`,
  ].join('\r\n')
  return Buffer.from(`${head}\r\n${more}\r\n${body}`)
}

const text8 = 'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n'
/** About a megabyte. */
export const attachment = Buffer.alloc(768 * 1024, 'bytes of an attachment ')
  .toString('base64')
  .replace(/.{76}/g, '$&\r\n')

export interface Letter {
  readonly name: string
  readonly bytes: Buffer
  readonly body: OutgoingEnvelope['body']
}

/** Bodies that have been mistaken for the end, cut, padded or lost. */
export function letters(compose: Compose): readonly Letter[] {
  const bodies: Readonly<Record<string, string>> = {
    plain: 'hello\r\n',
    dots: '.\r\n..\r\n.leading\r\n...\r\nend.\r\n.\r\n',
    'long lines': `${'x'.repeat(998)}\r\n.${'y'.repeat(997)}\r\n`,
    'empty body': '',
    spaces: '\t \r\n \r\n\r\nFrom here on\r\n>From there\r\n\r\n\r\n',
    'a megabyte': `${attachment}\r\n`,
  }
  return [
    ...Object.entries(bodies).map(([name, body]) => ({ name, bytes: compose(name, body), body: '7bit' as const })),
    { name: '8 bits', bytes: compose('8 bits', 'Grüße, 你好, привет\r\n', text8), body: '8bitmime' },
  ]
}

/** `endsWith`: what is before it are trace fields. */
export function carries(mail: Buffer, bytes: Buffer): boolean {
  return mail.subarray(-bytes.length).equals(bytes)
}

export const subjectOf = (bytes: Buffer): string => /^Subject: (.*)\r$/m.exec(String(bytes))![1]!
