const encoded =
  'Mime4j decodes a message/rfc822 in base64 (forbidden by RFC 2045 §6.4) and goes into it; our parts are ranges of the original bytes, so it stays closed, with a defect.'
const blankLine =
  'Where an empty line comes, the header ends there and nowhere else (RFC 5322 §2.1); a line without a colon in it is a defect. Mime4j begins the body there, which IMAP servers do not.'
const spaces =
  'White space at the end of a boundary is not part of it (RFC 2046 §5.1.1 bcharsnospace), so the line that lacks it is a delimiter too.'

/** Messages that Mime4j cuts otherwise, and why we do not. */
export const mime4jDifferences: Readonly<Record<string, string>> = {
  'bad-newlines-multiple-parts-base64.msg': encoded,
  'base64encoded-rfc822message-nested.msg': encoded,
  'base64encoded-rfc822message.msg': encoded,
  'mimetools/multi-2gifs-base64.msg': encoded,
  'malformedHeaderStartsBody-nocrlfcrlf.msg': blankLine,
  'malformedHeaderStartsBody-noheader.msg': blankLine,
  'malformedHeader-noheader.msg':
    'A message of lines that are no fields, without an empty line, is text, as it says of itself; Mime4j shows nothing.',
  'very-long-boundary.msg': spaces,
  'weird-boundary.msg': spaces,
  'very-very-long-boundary.msg':
    'A boundary of 7,000 bytes is not followed (RFC 2046 §5.1.1 allows 70, we 1,000): it bounds what is held of a line.',
}
