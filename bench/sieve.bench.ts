/** Sieve: runs of fifty rules per CPU second, on headers and on a body of 10 KB. The header is parsed, and the body decoded, in each run. */
import { parseHeader } from '../src/mail/header.ts'
import { parseStructure } from '../src/mail/mime/structure.ts'
import { bodyTexts, compileScript, runScript, type SieveScript } from '../src/sieve/index.ts'
import { bench, rounds } from './support/scratch.ts'
import { median } from './support/statistics.ts'
import { Table, verdict } from './support/table.ts'

const message = Buffer.from(
  [
    'Received: from mx.example.org (mx.example.org [192.0.2.1]) by mx.example.net with ESMTPS id 1; Fri, 2 Jan 2026 00:00:00 +0000',
    'DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=r; h=from:to:subject; bh=dGVzdA==; b=dGVzdA==',
    'From: "A. Writer" <a@example.org>',
    'To: b@example.net, "C. Reader" <c@example.net>',
    'Subject: What we talked about, and some more of it',
    'Date: Fri, 2 Jan 2026 00:00:00 +0000',
    'Message-ID: <1.2.3@example.org>',
    'List-Id: Writers <writers.lists.example.org>',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    ...Array.from({ length: 140 }, (_, n) => `Line ${n} of a letter that says  nothing new, at some length.       .`),
    '',
  ].join('\r\n'),
)

/** What generated rules look like: senders, lists, subjects. None holds, so that all are looked at. */
const headerRules = Array.from({ length: 50 }, (_, n) => {
  const tests = [
    `address :is "from" "person${n}@example.com"`,
    `header :contains "list-id" "<list${n}.example.org>"`,
    `header :contains "subject" ["offer ${n}", "invoice ${n}"]`,
    `header :matches "subject" "*[list${n}]*"`,
    `address :domain ["to", "cc"] "domain${n}.example"`,
  ]
  return `if ${tests[n % tests.length]} { fileinto "Folder ${n}"; stop; }`
})
const bodyRules = headerRules.map((rule, n) =>
  n % 5 === 0 ? `if body :contains "word${n} that is not there" { fileinto "Folder ${n}"; stop; }` : rule,
)

function compiled(rules: readonly string[]): SieveScript {
  const result = compileScript(`require ["fileinto", "body"];\n${rules.join('\n')}`)
  if (result.kind === 'faults') throw new Error(JSON.stringify(result.faults))
  return result.script
}

function run(script: SieveScript): void {
  const running = runScript(script, { message: { header: parseHeader(message), sizeBytes: message.length } })
  let step = running.next()
  while (step.done !== true) {
    if (step.value.kind !== 'body') throw new Error(step.value.kind)
    step = running.next(bodyTexts(message, parseStructure(message), step.value))
  }
  if (step.value.kind !== 'done' || step.value.actions[0]?.kind !== 'keep') throw new Error(step.value.kind)
}

function perCpuSecond(count: number, work: () => unknown): number {
  for (let n = 0; n < count / 10; n++) work()
  const before = process.cpuUsage()
  for (let n = 0; n < count; n++) work()
  const { user, system } = process.cpuUsage(before)
  return count / ((user + system) / 1e6)
}

await bench(async () => {
  const table = new Table('Sieve, 50 rules, per CPU second', 'ours', 'aim')
  const text = `require ["fileinto", "body"];\n${headerRules.join('\n')}`
  const rows = [
    { what: 'rules on headers', aim: 30_000, count: 20_000, script: compiled(headerRules) },
    { what: 'ten of them on the body', aim: 5_000, count: 5_000, script: compiled(bodyRules) },
  ]
  for (const { what, aim, count, script } of rows) {
    const of = median(Array.from({ length: rounds }, () => perCpuSecond(count, () => run(script))))
    table.add(what, of, verdict(of, { atLeast: aim }))
  }
  table.add(
    'compiling them',
    median(Array.from({ length: rounds }, () => perCpuSecond(1_000, () => compileScript(text)))),
  )
  table.print('Sieve')
})
