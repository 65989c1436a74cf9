/** What mail calls charsets, and which decoder each name means. IANA's names, those of the Encoding Standard (§4.2) and of mailers. */

/** Decoders that are told apart by name here; other names are iconv-lite's or the platform's. */
export type DecoderName =
  | 'utf-8'
  | 'utf-16'
  | 'utf-16le'
  | 'utf-16be'
  | 'gb18030'
  | 'big5'
  | 'euc-jp'
  | 'shift_jis'
  | 'euc-kr'
  | 'iso-2022-jp'
  | 'iso-2022-kr'
  | 'hz'

/** Each decoder with its names, lower case. In Chinese and Korean mail the older names mean the later, larger sets. */
const names: Readonly<Record<DecoderName, string>> = {
  'utf-8': 'utf-8 utf8 unicode-1-1-utf-8',
  // By its mark; without one as browsers read it, little endian. RFC 2781 §4.3.
  'utf-16': 'utf-16 utf16 iso-10646-ucs-2 ucs-2 csunicode unicode',
  'utf-16le': 'utf-16le',
  'utf-16be': 'utf-16be',
  gb18030: 'gb2312 gb_2312-80 gbk cp936 ms936 windows-936 gb18030 euc-cn cp54936 x-gbk',
  big5: 'big5 big5-hkscs big5-eten x-big5 cp950 ms950 windows-950 x-windows-950',
  'euc-jp': 'euc-jp eucjp eucjp-ms euc-jp-ms eucjp-win cp51932 x-euc-jp',
  shift_jis: 'shift_jis shift-jis sjis x-sjis cp932 ms932 windows-31j windows-932 x-ms-cp932',
  'euc-kr': 'euc-kr ks_c_5601-1987 ksc5601 cp949 ms949 uhc windows-949 x-windows-949',
  'iso-2022-jp':
    'iso-2022-jp iso-2022-jp-1 iso-2022-jp-2 iso-2022-jp-3 iso-2022-jp-2004 iso-2022-jp-ms csiso2022jp csiso2022jp2 cp50220 cp50221 cp50222 _iso-2022-jp$esc',
  'iso-2022-kr': 'iso-2022-kr csiso2022kr cp50225',
  hz: 'hz hz-gb-2312 cp52936',
}

const decoders = new Map<string, DecoderName>(
  Object.entries(names).flatMap(([decoder, list]) =>
    list.split(' ').map((name) => [name, decoder as DecoderName] as const),
  ),
)

/** @param name lower case. */
export function decoderOf(name: string): DecoderName | undefined {
  return decoders.get(name)
}

/** Names of ASCII: bytes beyond it come from a mailer that did not look, and are UTF-8 as likely as not. RFC 2046 §4.1.2. */
export const asciiNames: ReadonlySet<string> = new Set(['us-ascii', 'ascii', 'ansi_x3.4-1968', 'iso646-us', 'csascii'])

/** Names that iconv-lite does not know, or that mail uses for a superset of what they say (as browsers do). */
const tableNames: ReadonlyMap<string, string> = new Map([
  ['iso-8859-1', 'windows-1252'],
  ['iso8859-1', 'windows-1252'],
  ['latin1', 'windows-1252'],
  ['iso-8859-9', 'windows-1254'],
  ['tis-620', 'windows-874'],
  ['iso-8859-11', 'windows-874'],
  ['iso-8859-8-i', 'iso-8859-8'],
  ['iso-8859-8-e', 'iso-8859-8'],
  ['iso-8859-6-i', 'iso-8859-6'],
  ['iso-8859-6-e', 'iso-8859-6'],
  ['x-mac-roman', 'macroman'],
  ['unicode-1-1-utf-7', 'utf-7'],
  ['csunicode11utf7', 'utf-7'],
])

/** The supersets of ASCII among them, of which plain ASCII needs no table. */
export function isListedTable(name: string): boolean {
  return tableNames.has(name) && !name.endsWith('utf-7') && !name.endsWith('utf7')
}

/** What iconv-lite calls the charset of that name. `dos-862` is a code page. */
export function tableName(name: string): string {
  return tableNames.get(name) ?? name.replace(/^dos-(?=\d)/, 'cp')
}
