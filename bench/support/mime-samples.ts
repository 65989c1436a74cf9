/** Messages to be read by the mime benchmark: those that servers meet, and those that break parsers. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const header = [
  'Return-Path: <list-bounces@lists.example.org>',
  'Received: from mx.example.org (mx.example.org [192.0.2.7])\r\n\tby mail.example.net with ESMTPS id 4Xq1ab2cdz1\r\n\tfor <jo@example.net>; Tue, 1 Jul 2025 10:52:37 +0200',
  `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=mail;\r\n\tt=1751359950; bh=${'A'.repeat(43)}=;\r\n\th=From:To:Subject:Date; b=${'B'.repeat(340)}`,
  'Message-ID: <6863a0ae.12345@example.org>',
  'Date: Tue, 1 Jul 2025 10:52:29 +0200',
  'MIME-Version: 1.0',
  'Subject: =?utf-8?Q?Re=3A_Gr=C3=BC=C3=9Fe?= of the usual length',
  'From: "Doe, John" <john.doe@example.org>',
  'To: Jo Public <jo@example.net>, pennies@lists.example.org',
  'In-Reply-To: <1234@example.net>',
].join('\r\n')
const line = 'It was a bright cold day in April, and the clocks were striking thirteen.\r\n'
const quoted = 'Es war ein heller, kalter Tag im April, und die Uhren schlugen =C3=BCberall=20=\r\ndreizehn.\r\n'
const part = (type: string, text: string, boundary = 'xyz'): string =>
  `--${boundary}\r\nContent-Type: ${type}\r\n\r\n${text}\r\n`

function message(type: string, body: string, more = ''): Buffer {
  return Buffer.from(`${header}\r\n${more}Content-Type: ${type}\r\n\r\n${body}`)
}

function nested(depth: number): string {
  const boundary = `n${depth}x`
  const inner =
    depth === 0
      ? part('text/plain; charset=utf-8', line, boundary)
      : `--${boundary}\r\nContent-Type: multipart/mixed; boundary=n${depth - 1}x\r\n\r\n${nested(depth - 1)}\r\n`
  return `${part('text/plain; charset=utf-8', line, boundary)}${inner}--${boundary}--\r\n`
}

export function mimeSamples(): Record<string, Buffer[]> {
  const file = Buffer.alloc(3_800_000, 'The quick brown fox jumps over the lazy dog. 0123456789').toString('base64')
  const lines = file.replace(/.{76}/g, '$&\r\n')
  return {
    'text 2 KB': [
      message('text/plain; charset=utf-8', quoted.repeat(14), 'Content-Transfer-Encoding: quoted-printable\r\n'),
    ],
    'alternative 7.6 KB': [
      message(
        'multipart/alternative; boundary=xyz',
        `${part('text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable', quoted.repeat(20))}${part('text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable', `<p>${quoted}</p>`.repeat(42))}--xyz--\r\n`,
      ),
    ],
    'nested 12 deep': [message('multipart/mixed; boundary=n11x', nested(11))],
    '5 MB attachment': [
      message(
        'multipart/mixed; boundary=xyz',
        `${part('text/plain; charset=utf-8', line.repeat(5))}${part('application/octet-stream; name=x.bin\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=x.bin', lines)}--xyz--\r\n`,
      ),
    ],
    '1,000 parts': [
      message('multipart/mixed; boundary=xyz', `${part('text/plain; charset=utf-8', line).repeat(1000)}--xyz--\r\n`),
    ],
  }
}

/** Real messages that other parsers keep as their tests, where they are at hand. */
export function hardMessages(): Buffer[] {
  const vectors = join(process.env['PENNYPOST_ROOT'] ?? process.cwd(), '..', 'shared', 'vectors')
  const found: Buffer[] = []
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) visit(path)
      else if (/\.(?:msg|eml|txt)$/.test(entry.name) && entry.name !== 'ORIGIN.txt') found.push(readFileSync(path))
    }
  }
  for (const name of ['mime-mime4j', 'mime-cpython']) if (existsSync(join(vectors, name))) visit(join(vectors, name))
  return found
}
