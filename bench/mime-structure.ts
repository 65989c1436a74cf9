/** Structure pass with and without the facts that delivery needs: MB/s and messages per CPU second, one thread. */
import { messageFacts } from '../src/mail/message-facts.ts'
import { parseStructure, StructureParser } from '../src/mail/mime/structure.ts'

const headers = [
  'Return-Path: <list-bounces@lists.example.org>',
  'Received: from mx.example.org (mx.example.org [192.0.2.7])\r\n\tby mail.example.net with ESMTPS id 4Xq1ab2cdz1\r\n\tfor <jo@example.net>; Tue, 1 Jul 2025 10:52:37 +0200',
  'Received: from [198.51.100.4] (unknown [198.51.100.4])\r\n\tby mx.example.org (Postfix) with ESMTPSA id 12345;\r\n\tTue, 1 Jul 2025 10:52:30 +0200',
  `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=mail;\r\n\tt=1751359950; bh=${'A'.repeat(43)}=;\r\n\th=From:To:Subject:Date; b=${'B'.repeat(340)}`,
  'Message-ID: <6863a0ae.12345@example.org>',
  'Date: Tue, 1 Jul 2025 10:52:29 +0200',
  'MIME-Version: 1.0',
  'User-Agent: Mozilla Thunderbird',
  'Subject: Re: [pennies] A subject of the usual length',
  'From: "Doe, John" <john.doe@example.org>',
  'To: Jo Public <jo@example.net>, pennies@lists.example.org',
  'Cc: =?utf-8?Q?J=C3=B6rg?= <joerg@example.com>',
  'In-Reply-To: <1234@example.net>',
  'References: <1@example.net> <1234@example.net>',
]
const line = 'It was a bright cold day in April, and the clocks were striking thirteen.\r\n'
const base64Line = `${'QUJD'.repeat(19)}\r\n`
const part = (type: string, text: string): string => `--xyz\r\nContent-Type: ${type}\r\n\r\n${text}\r\n`

function message(type: string, body: string): Buffer {
  return Buffer.from(`${headers.join('\r\n')}\r\nContent-Type: ${type}\r\n\r\n${body}`)
}

const nested = (depth: number): string =>
  depth === 0
    ? part('text/plain', line)
    : `${part('text/plain', line)}--xyz\r\nContent-Type: multipart/mixed; boundary=n${depth}\r\n\r\n${nested(depth - 1).replaceAll('--xyz', `--n${depth}`)}--n${depth}--\r\n`

const samples: Record<string, Buffer> = {
  'text 2.5 KB': message('text/plain; charset=utf-8; format=flowed', line.repeat(12)),
  'text 4 KB': message('text/plain; charset=utf-8', line.repeat(32)),
  'alternative 7.6 KB': message(
    'multipart/alternative; boundary=xyz',
    `${part('text/plain; charset=utf-8', line.repeat(28))}${part('text/html; charset=utf-8', line.repeat(50))}--xyz--\r\n`,
  ),
  'nested 12 deep': message('multipart/mixed; boundary=xyz', `${nested(12)}--xyz--\r\n`),
  'attachment 5 MB': message(
    'multipart/mixed; boundary=xyz',
    `${part('text/plain', line)}${part('application/pdf\r\nContent-Transfer-Encoding: base64', base64Line.repeat(66_000))}--xyz--\r\n`,
  ),
  '1,000 parts': message('multipart/mixed; boundary=xyz', `${part('text/plain', line).repeat(1000)}--xyz--\r\n`),
}

function measure(name: string, bytes: Buffer, run: (bytes: Buffer) => unknown): void {
  const rounds = Math.max(3, Math.ceil(60_000_000 / bytes.length))
  for (let at = 0; at < rounds / 4; at += 1) run(bytes)
  const before = process.cpuUsage()
  for (let at = 0; at < rounds; at += 1) run(bytes)
  const used = process.cpuUsage(before)
  const seconds = (used.user + used.system) / 1e6
  const megabytes = ((bytes.length * rounds) / 1e6 / seconds).toFixed(0)
  console.log(
    `${name.padEnd(34)} ${megabytes.padStart(6)} MB/s ${Math.round(rounds / seconds)
      .toLocaleString('en')
      .padStart(10)} messages/CPU s`,
  )
}

for (const [name, bytes] of Object.entries(samples)) {
  measure(`${name}, structure`, bytes, (message) => parseStructure(message))
  measure(`${name}, in 16 KiB chunks`, bytes, (message) => {
    const parser = new StructureParser()
    for (let at = 0; at < message.length; at += 16_384) parser.push(message.subarray(at, at + 16_384))
    return parser.end()
  })
  measure(`${name}, with facts`, bytes, (message) => messageFacts(parseStructure(message)))
}
