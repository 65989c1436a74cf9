/** Reads and writes format=flowed: paragraphs that readers may rewrap. RFC 3676. */

/** RFC 3676 §4.2: lines SHOULD have 78 characters at most, and 72 leave room for quoting. */
const lengthWished = 72

/** Text with LF or CRLF lines, each a paragraph, as format=flowed without DelSp; CRLF lines. */
export function encodeFlowed(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => {
      // The signature's separator and quoted lines stay as they are: RFC 3676 §4.3, §4.5.
      if (line === '-- ' || line.startsWith('>')) return line
      return wrap(line.replace(/ +$/, '')).map(stuffed).join('\r\n')
    })
    .join('\r\n')
}

/** Lines that end in a space flow on. A word longer than a line stays whole. */
function wrap(line: string): string[] {
  if (line.length <= lengthWished) return [line]
  const lines: string[] = []
  let start = 0
  while (line.length - start > lengthWished) {
    let end = line.lastIndexOf(' ', start + lengthWished - 1)
    // Not between two spaces: the reader would see one trailing space too few, and never at the line's own start.
    while (end > start && line[end - 1] === ' ') end--
    if (end <= start) end = line.indexOf(' ', start + lengthWished)
    if (end < 0) break
    lines.push(line.slice(start, end + 1))
    start = end + 1
  }
  lines.push(line.slice(start))
  return lines
}

/** RFC 3676 §4.4. */
function stuffed(line: string): string {
  return /^(?: |>|From )/.test(line) ? ` ${line}` : line
}

/** A paragraph and its quote depth. */
export interface FlowedParagraph {
  readonly depth: number
  readonly text: string
}

/** The paragraphs of a flowed text. @param delSp the trailing space is no part of the text. RFC 3676 §4.1, §4.2. */
export function parseFlowed(text: string, delSp = false): FlowedParagraph[] {
  const paragraphs: FlowedParagraph[] = []
  let open: { depth: number; text: string } | undefined
  const lines = text.split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  for (const raw of lines) {
    let depth = 0
    while (raw[depth] === '>') depth++
    let line = raw.slice(depth)
    if (line.startsWith(' ')) line = line.slice(1)
    const signature = line === '-- '
    const flows = !signature && line.endsWith(' ')
    if (open && (open.depth !== depth || signature)) {
      // Wrongly flowed: another depth begins another paragraph. RFC 3676 §4.5.
      paragraphs.push({ depth: open.depth, text: open.text })
      open = undefined
    }
    const part = flows && delSp ? line.slice(0, -1) : line
    if (open) open.text += part
    else open = { depth, text: part }
    if (flows) continue
    paragraphs.push({ depth: open.depth, text: open.text })
    open = undefined
  }
  if (open) paragraphs.push({ depth: open.depth, text: open.text })
  return paragraphs
}

/** The text for display, one line for each paragraph, quotes marked by `> `. */
export function decodeFlowed(text: string, delSp = false): string {
  return parseFlowed(text, delSp)
    .map(({ depth, text: paragraph }) => (depth === 0 ? paragraph : `${'>'.repeat(depth)} ${paragraph}`))
    .join('\n')
}
