/** Parsers of Sieve scripts, which users and their programs write, and of the patterns in them. RFC 5228 §8. */
import { compileScript } from '../../src/sieve/index.ts'
import { decodeEncodedCharacters, parseTemplate } from '../../src/sieve/text.ts'
import { matchWildcard, parseWildcard, plainSubject } from '../../src/sieve/wildcard.ts'
import { parser, type Parser } from './parser.ts'

const scriptMax = 262_144

export const sieveParsers: readonly Parser[] = [
  parser('sieve script', {
    covers: ['parseScript', 'readArguments'],
    sizeMax: scriptMax,
    tokens: [
      'keep;\n',
      'if header "a" "b" { stop; }\n',
      '"a", ',
      '"',
      '\\"',
      'text:\n',
      '.\n',
      '..\n',
      '/*',
      '*/',
      '# a\n',
      '{',
      '}',
      '(',
      'true, ',
      'not ',
      ':is ',
      '10K ',
      'x ',
      ';',
      '\r\n',
      'é',
    ],
    before: ['', 'redirect "', 'redirect text:\n', 'if header ["', 'if anyof (', '/*'],
    run: (text) => compileScript(text),
  }),
  parser('sieve strings', {
    covers: ['parseTemplate', 'decodeEncodedCharacters'],
    sizeMax: scriptMax,
    tokens: ['${', '}', '${a}', '${hex:', '${hex:40}', '${unicode:', '40 ', 'a.', '${a.b.', '1', 'x', ' ', '${hex:e2}'],
    before: ['', '${', '${hex:'],
    run: (text) => [parseTemplate(text), decodeEncodedCharacters(text)],
  }),
  parser('sieve wildcards', {
    covers: ['parseWildcard'],
    sizeMax: scriptMax,
    tokens: ['a', '*', '?', '\\', 'a*', '?*', 'ab', '*a?', 'é', '\u{1d11e}', '\\*', 'b'],
    // As a pattern, and as what the hardest patterns are matched with: of a fixed length, since the cost is the product.
    run: (text) => [
      matchWildcard(parseWildcard(text, String), plainSubject('aabab')),
      ...['*a*b*a*b*c', '*?*?*?a?b', '?????*a?a?c*', '*ab?*c'].map((pattern) =>
        matchWildcard(parseWildcard(pattern, String), plainSubject(text)),
      ),
    ],
  }),
]
