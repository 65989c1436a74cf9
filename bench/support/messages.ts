/** Messages as people send them, each different, the same in every run. */

const words =
  'about after again because before between could every first found from great have house into know large last little long make many more most much name never number only other over people place right same should small some sound still such take than that their them then there these they thing think this three time under very want water well went were what when where which while will with word work world would write year your'.split(
    ' ',
  )

/** Deterministic: a benchmark that cannot be repeated proves nothing. */
function generator(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

function text(random: () => number, bytes: number): string {
  const lines: string[] = []
  let length = 0
  while (length < bytes) {
    let line = ''
    while (line.length < 66) line += `${words[Math.floor(random() * words.length)]} `
    lines.push(line.trimEnd())
    length += line.length + 1
  }
  return lines.join('\r\n')
}

/** About so many bytes: text and HTML of the same length, below the header of a message that came over two hops. */
export function mailMessage(number: number, bytes: number): Buffer {
  const random = generator(number + 1)
  const from = words[Math.floor(random() * words.length)]!
  const header = [
    'Received: from mx.example.org (mx.example.org [192.0.2.7])\r\n\tby mail.example.net with ESMTPS id 4Xq1ab2cdz1\r\n\tfor <jo@example.net>; Tue, 1 Jul 2025 10:52:37 +0200',
    `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=mail;\r\n\tt=1751359950; bh=${'A'.repeat(43)}=;\r\n\th=From:To:Subject:Date; b=${'B'.repeat(340)}`,
    `Message-ID: <${number}.${from}@example.org>`,
    `Date: Tue, 1 Jul 2025 ${String(10 + (number % 12)).padStart(2, '0')}:${String(number % 60).padStart(2, '0')}:29 +0200`,
    'MIME-Version: 1.0',
    `Subject: Re: [pennies] ${text(random, 30)}`.slice(0, 120).replaceAll('\r\n', ' '),
    `From: "${from} Doe" <${from}@example.org>`,
    'To: Jo Public <jo@example.net>, pennies@lists.example.org',
    'Cc: =?utf-8?Q?J=C3=B6rg?= <joerg@example.com>',
    `In-Reply-To: <${number % 997}.root@example.net>`,
    `References: <${number % 997}.root@example.net>`,
    'Content-Type: multipart/alternative; boundary="=-xyz"',
  ].join('\r\n')
  const half = Math.max(100, (bytes - header.length - 250) / 2)
  const plain = text(random, half)
  const html = `<html><body><p>${text(random, half - 40)}</p></body></html>`
  return Buffer.from(
    `${header}\r\n\r\n--=-xyz\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${plain}\r\n` +
      `--=-xyz\r\nContent-Type: text/html; charset=utf-8\r\n\r\n${html}\r\n--=-xyz--\r\n`,
    'latin1',
  )
}
