/** The options of `[[check]]`, a content rule. */
import * as kinds from '../base/options/kinds.ts'
import { option, table } from '../base/options/option.ts'
import { parsePattern } from './pattern.ts'

const pattern: kinds.Kind<string> = {
  words: 'a regular expression between slashes, with i behind it for any case',
  read(value) {
    const text = kinds.text.read(value)
    const read = parsePattern(text)
    if (read.kind === 'fault') throw new kinds.ValueFault(read.problem)
    return text
  },
  format: (value) => JSON.stringify(value),
}

export const contentRuleOptions = table({
  name: option(
    kinds.text,
    undefined,
    'The name in the log, "pennypost trace" and the ledger. Default: its number.',
    'lottery',
  ),
  where: option(
    kinds.choice('header', 'body'),
    'header',
    'What to match. "header": each field as "Name: value" on one line, with encoded words both as sent and decoded. "body": the first 64 KB of the body as sent, so not what is encoded in base64.',
  ),
  pattern: option(
    pattern,
    undefined,
    'A regular expression. ^ and $ match at line ends; the first 1000 characters of a line are looked at.',
    '/^Subject: .*lottery/i',
  ),
  action: option(
    kinds.choice('reject', 'discard', 'hold', 'junk', 'redirect', 'bcc', 'prepend', 'strip', 'warn'),
    undefined,
    '"reject": refuse with 550 and text. "discard": accept and delete. "hold": keep in the queue until "pennypost queue release". "junk": file into Junk. "redirect": send to the address in text only. "bcc": send a copy to it. "prepend": add the header field in text. "strip": remove the matching field. "warn": log it.',
    'reject',
  ),
  text: option(
    kinds.text,
    undefined,
    'The argument of the action: reply text, address or header field.',
    'We do not play',
  ),
  of: option(
    kinds.renamed(kinds.choice('unauthenticated', 'all'), { strangers: 'unauthenticated', everybody: 'all' }),
    'all',
    'Which messages are checked: those from unauthenticated clients on port 25 ("unauthenticated"), or all, with those of signed-in users and trusted networks ("all").',
  ),
})
