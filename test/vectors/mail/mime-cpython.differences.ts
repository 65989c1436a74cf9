const noBoundary =
  'A multipart without a boundary is read as text/plain (RFC 2045 §5.2), so that people see its text; Python keeps the type and gives the text as payload.'
const blankLine =
  'Where an empty line comes, the header ends there and nowhere else (RFC 5322 §2.1); Python begins the body at the first line without a colon, which IMAP servers do not.'
const fieldBlocks =
  'Python takes the blocks of fields in message/delivery-status (RFC 3464) and the header in message/external-body for messages inside; for MIME and IMAP both are leaves.'

/** Messages that Python reads otherwise, and why we do not. */
export const cpythonDifferences: Readonly<Record<string, string>> = {
  'msg_15.eml':
    'An inner multipart repeats the outer boundary. Delimiters are the innermost one’s until it is closed, so both texts and the picture are found; Python finds no inner parts.',
  'msg_16.eml': fieldBlocks,
  'msg_36.eml': fieldBlocks,
  'msg_43.eml': fieldBlocks,
  'msg_19.eml': blankLine,
  'msg_25.eml': noBoundary,
  'msg_41.eml': noBoundary,
  'msg_37.eml':
    'Each delimiter begins a part, if an empty one (as Dovecot and Mime4j have it); Python merges delimiters in a row.',
  'msg_39.eml':
    'As in msg_15: inner multiparts repeat the outer boundary, and each is found whole; Python finds no inner parts.',
}
