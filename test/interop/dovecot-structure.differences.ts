/** Where our ENVELOPE, BODYSTRUCTURE or BODY differs from Dovecot 2.3.19's, and why. */

const reasons = {
  noSlash:
    'A Content-Type without type/subtype counts as none, so text/plain (RFC 2045 §5.2); Dovecot tells empty names, which clients cannot show.',
  noBoundary:
    'A multipart without a boundary is read as text/plain (RFC 2045 §5.2), so that people see its text; Dovecot tells an empty part in its place.',
  apostrophe: 'An apostrophe is no attribute-char (RFC 2231 §7): in a joined extended value it becomes %27.',
  extendedCharset:
    'A charset or boundary in RFC 2231 form is understood: no us-ascii beside it, and the parts are found.',
  encodedMessage:
    'A message/rfc822 in base64 (forbidden by RFC 2045 §6.4) has an empty header and the whole rest as body; for Dovecot the base64 text is a header, and the body empty.',
  longBoundary:
    'Boundaries beyond 1,000 bytes (RFC 2046 §5.1.1 allows 70) are not followed, as they bound what is held of a line.',
  spacedBoundary:
    'White space at the end of a boundary is not part of it (RFC 2046 §5.1.1 bcharsnospace), so the parts are found; Dovecot looks for the spaces too.',
  semicolons: 'Empty parameters between semicolons are passed over; Dovecot stops reading parameters there.',
  noHeader:
    'Where no blank line ends a header, the body begins at its first line that is no field, or people would not see the text; Dovecot takes all of it for header.',
  lineEndAfterClose:
    'The line end before an outer delimiter belongs to that delimiter also where it ends the closing line of an inner multipart (RFC 2046 §5.1.1); Dovecot leaves it in the inner part.',
} as const

const byMessage: Readonly<Record<string, keyof typeof reasons>> = {
  'mime-cpython/msg_14.eml': 'noSlash',
  'mime-cpython/msg_25.eml': 'noBoundary',
  'mime-cpython/msg_41.eml': 'noBoundary',
  'mime-cpython/msg_29.eml': 'apostrophe',
  'mime-cpython/msg_32.eml': 'extendedCharset',
  'mime-cpython/msg_33.eml': 'extendedCharset',
  'mime-cpython/msg_35.eml': 'noHeader',
  'mime-cpython/msg_38.eml': 'noHeader',
  'mime-mime4j/malformedHeader-noheader.msg': 'noHeader',
  'mime-mime4j/malformedHeaderStartsBody-noheader.msg': 'noHeader',
  'mime-mime4j/very-long-boundary.msg': 'noHeader',
  'mime-mime4j/bad-newlines-multiple-parts-base64.msg': 'encodedMessage',
  'mime-mime4j/base64encoded-rfc822message-nested.msg': 'encodedMessage',
  'mime-mime4j/base64encoded-rfc822message.msg': 'encodedMessage',
  'mime-mime4j/mimetools/multi-2gifs-base64.msg': 'encodedMessage',
  'mime-mime4j/very-very-long-boundary.msg': 'longBoundary',
  'mime-mime4j/weird-boundary.msg': 'spacedBoundary',
  'mime-mime4j/mimetools/double-semicolon.msg': 'semicolons',
  'mime-mime4j/mimetools/multi-digest.msg': 'noSlash',
}

/** The message's structure differs, so its BODYSTRUCTURE and BODY do. */
export const knownDifferences: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(byMessage).flatMap(([name, reason]) =>
    ['BODYSTRUCTURE', 'BODY'].map((item) => [`${name} ${item}`, reasons[reason]]),
  ),
)

const sectionsByMessage: Readonly<Record<string, keyof typeof reasons>> = {
  'mime-cpython/msg_25.eml': 'noBoundary',
  'mime-cpython/msg_41.eml': 'noBoundary',
  'mime-cpython/msg_33.eml': 'extendedCharset',
  'mime-cpython/msg_35.eml': 'noHeader',
  'mime-mime4j/malformedHeader-noheader.msg': 'noHeader',
  'mime-mime4j/malformedHeaderStartsBody-noheader.msg': 'noHeader',
  'mime-mime4j/very-long-boundary.msg': 'noHeader',
  'mime-cpython/msg_38.eml': 'lineEndAfterClose',
  'mime-mime4j/boundary-name-clash.msg': 'lineEndAfterClose',
  'mime-mime4j/missing-inner-start-boundary.msg': 'lineEndAfterClose',
  'mime-mime4j/bad-newlines-multiple-parts-base64.msg': 'encodedMessage',
  'mime-mime4j/base64encoded-rfc822message-nested.msg': 'encodedMessage',
  'mime-mime4j/base64encoded-rfc822message.msg': 'encodedMessage',
  'mime-mime4j/mimetools/multi-2gifs-base64.msg': 'encodedMessage',
  'mime-mime4j/very-very-long-boundary.msg': 'longBoundary',
  'mime-mime4j/weird-boundary.msg': 'spacedBoundary',
  'mime-mime4j/mimetools/double-semicolon.msg': 'semicolons',
}

/** Messages of which some section differs. */
export const knownSectionDifferences: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(sectionsByMessage).map(([name, reason]) => [name, reasons[reason]]),
)
