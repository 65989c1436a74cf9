/** docs/smtp-extensions.md: what SMTP servers may offer, what this one offers, and by which dialogues it is proved. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Extension {
  /** Of EHLO; with a value where that tells them apart. */
  readonly keyword: string
  readonly says: string
  /** RFC numbers, or whose document it is. */
  readonly from: readonly (number | string)[]
  readonly offered: string
  /** The dialogues in its document, and where they are run or why not. */
  readonly examples: readonly Example[]
}

export interface Example {
  /** `RFC 2852 §6`. */
  readonly of: string
  /** A transcript that names it, or the reason. */
  readonly runs?: string
  readonly excused?: string
}

const everywhere = 'always'
const submission = 'submission'

/** In the order of EHLO. */
export const extensions: readonly Extension[] = [
  {
    keyword: 'PIPELINING',
    says: 'commands without waiting for replies',
    from: [2920],
    offered: everywhere,
    examples: [{ of: 'RFC 2920 §4', runs: 'pipelining.txt' }],
  },
  {
    keyword: '8BITMIME',
    says: 'bodies with 8-bit bytes',
    from: [6152],
    offered: everywhere,
    examples: [{ of: 'RFC 6152 §4', runs: 'rfc2034-6.txt' }],
  },
  {
    keyword: 'SMTPUTF8',
    says: 'addresses and headers in UTF-8',
    from: [6531],
    offered: everywhere,
    examples: [{ of: 'RFC 6531', excused: 'it has no dialogue; eightbit.txt and rfc1985-6.txt are ours' }],
  },
  {
    keyword: 'BINARYMIME',
    says: 'bodies of any bytes, by BDAT',
    from: [3030],
    offered: everywhere,
    examples: [{ of: 'RFC 3030 §4.2', runs: 'rfc3030-4.txt' }],
  },
  {
    keyword: 'DSN',
    says: 'delivery status notifications (bounces, receipts)',
    from: [3461],
    offered: everywhere,
    examples: [
      { of: 'RFC 3461 §10.1', runs: 'rfc3461-10.txt' },
      { of: 'RFC 3461 §10.2', excused: 'a relay speaks as a client: test/stories/notices.test.ts' },
      { of: 'RFC 3461 §10.6', excused: 'reports, not dialogues: test/stories/notices.test.ts' },
    ],
  },
  {
    keyword: 'ENHANCEDSTATUSCODES',
    says: 'an enhanced status code in each reply',
    from: [2034, 3463, 5248],
    offered: everywhere,
    examples: [{ of: 'RFC 2034 §6', runs: 'rfc2034-6.txt' }],
  },
  {
    keyword: 'REQUIRETLS',
    says: 'TLS with an authenticated server on every hop',
    from: [8689],
    offered: 'under TLS',
    examples: [{ of: 'RFC 8689 appendix A.1', runs: 'requiretls.txt' }],
  },
  {
    keyword: 'DELIVERBY',
    says: 'a time to deliver by',
    from: [2852],
    offered: '`smtp.deliverByMinMs`',
    examples: [{ of: 'RFC 2852 §6', runs: 'rfc2852-6.txt' }],
  },
  {
    keyword: 'MT-PRIORITY',
    says: 'the priority of a message',
    from: [6710],
    offered: everywhere,
    examples: [{ of: 'RFC 6710 §8', runs: 'rfc6710-8.txt' }],
  },
  {
    keyword: 'FUTURERELEASE',
    says: 'sending at a later time',
    from: [4865],
    offered: `${submission}; \`smtp.futureReleaseMaxMs\``,
    examples: [{ of: 'RFC 4865', excused: 'it has no dialogue; release.txt is ours' }],
  },
  {
    keyword: 'NO-SOLICITING',
    says: 'solicitation classes that are refused',
    from: [3865],
    offered: '`smtp.noSoliciting`',
    examples: [
      { of: 'RFC 3865 §2.1', runs: 'rfc3865-2.txt' },
      { of: 'RFC 3865 §2.3', runs: 'rfc3865-2.txt' },
    ],
  },
  {
    keyword: 'LIMITS',
    says: 'limits for messages and recipients',
    from: [9422],
    offered: everywhere,
    examples: [{ of: 'RFC 9422', excused: 'not searched for examples; limits-told.txt is ours' }],
  },
  {
    keyword: 'SIZE',
    says: 'the maximum message size',
    from: [1870],
    offered: '`transfer.messageBytesMax`',
    examples: [{ of: 'RFC 1870 §8', runs: 'rfc1870-8.txt' }],
  },
  {
    keyword: 'CHUNKING',
    says: 'messages in counted pieces (BDAT)',
    from: [3030],
    offered: everywhere,
    examples: [{ of: 'RFC 3030 §4.1', runs: 'rfc3030-4.txt' }],
  },
  {
    keyword: 'VRFY',
    says: 'whether an address exists',
    from: [5321],
    offered: 'to clients that `smtp.addressQueries` allows',
    examples: [{ of: 'RFC 5321 §3.5', runs: 'rfc1985-6.txt' }],
  },
  {
    keyword: 'EXPN',
    says: 'the members of a mailing list',
    from: [5321],
    offered: 'the same',
    examples: [{ of: 'RFC 5321 §3.5', runs: 'rfc1985-6.txt' }],
  },
  {
    keyword: 'ETRN',
    says: 'start sending the queue for a domain',
    from: [1985],
    offered: 'works for users and trusted networks',
    examples: [{ of: 'RFC 1985 §6', runs: 'rfc1985-6.txt' }],
  },
  {
    keyword: 'HELP',
    says: 'the verbs',
    from: [5321],
    offered: everywhere,
    examples: [{ of: 'RFC 5321 §4.1.4', runs: 'order.txt' }],
  },
  {
    keyword: 'STARTTLS',
    says: 'encryption from here on',
    from: [3207],
    offered: 'before TLS, where the listener has `tls = "starttls"`',
    examples: [{ of: 'RFC 3207 §4', runs: 'starttls.txt' }],
  },
  {
    keyword: 'AUTH',
    says: 'signing in',
    from: [4954, 4616, 5802, 7677, 7628],
    offered: submission,
    examples: [
      { of: 'RFC 4954 §4.1', runs: 'rfc4954-4.txt' },
      { of: 'RFC 7677 §3', runs: 'scram.txt' },
    ],
  },
  {
    keyword: 'XCLIENT',
    says: 'a proxy passes on the client that it serves',
    from: ["Postfix's XCLIENT_README"],
    offered: 'to `smtp.xclientFrom`',
    examples: [{ of: 'XCLIENT_README', runs: 'xclient.txt' }],
  },
  {
    keyword: 'XFORWARD',
    says: 'a filter passes on where a message came from',
    from: ["Postfix's XFORWARD_README"],
    offered: 'to `smtp.xclientFrom`',
    examples: [{ of: 'XFORWARD_README', runs: 'xforward.txt' }],
  },
]

export const transcripts = 'test/transcripts/smtp'

/** Transcripts that say a keyword, or a verb or parameter of it. @param root of the checkout. */
function saidIn(root: string, { keyword }: Extension): string[] {
  const word = keyword
    .replace('CHUNKING', 'BDAT')
    .replace('FUTURERELEASE', 'HOLD(?:FOR|UNTIL)')
    .replace('NO-SOLICITING', 'SOLICIT')
    .replace('DELIVERBY', 'BY')
  const texts = readdirSync(join(root, transcripts)).map(
    (name) => [name, readFileSync(join(root, transcripts, name), 'utf8')] as const,
  )
  const saying = (pattern: RegExp): string[] => texts.flatMap(([name, text]) => (pattern.test(text) ? [name] : []))
  const clients = saying(new RegExp(`^C\\d*: .*\\b${word}\\b`, 'm'))
  // What has neither a verb nor a parameter is only offered.
  return clients.length > 0 ? clients : saying(new RegExp(`^S\\d*: 250[ -]${keyword}\\b`, 'm'))
}

function exampleText({ of, runs, excused }: Example): string {
  return runs === undefined ? `${of}: ${excused}` : `${of}: ${runs}`
}

export function extensionsPage(root: string): string {
  const rows = extensions.map((extension) => {
    const { keyword, says, from, offered, examples } = extension
    const sources = from.map((one) => (typeof one === 'number' ? `RFC ${one}` : one)).join(', ')
    const others = saidIn(root, extension).filter((name) => !examples.some(({ runs }) => runs === name))
    const more = others.length === 0 ? '' : `; also ${others.map((name) => name.replace('.txt', '')).join(', ')}`
    return `| ${keyword} | ${says} | ${sources} | ${offered} | ${examples.map(exampleText).join('; ')}${more} |`
  })
  const examples = extensions.flatMap((extension) => extension.examples)
  const run = examples.filter(({ runs }) => runs !== undefined).length
  return `# SMTP extensions

<!-- Printed by "node scripts/smtp-extensions.mjs"; a test keeps it fresh. Do not edit. -->

What the server offers in EHLO and LHLO, and the dialogues that prove it, the RFCs' own examples first. Each is run as
written, byte by byte, and cut at random (\`node scripts/test.mjs transcripts/smtp\`); they are in \`${transcripts}/\` of the repository. Of ${examples.length} examples ${run} are run; the others have a reason.

| keyword | says | from | offered | examples |
|---|---|---|---|---|
${rows.join('\n')}
`
}
