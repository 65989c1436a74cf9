/** What somebody can do whose message came back, by its enhanced status code. RFC 3463. */

const byCode: Readonly<Record<string, string>> = {
  '1.1': 'check the part before the @: nobody there has that name. If you used it before, ask the person another way.',
  '1.2': 'check the part after the @: that domain does not exist, or has no mail.',
  '1.3': 'check the address: it is not written as one.',
  '1.6': 'the person has moved: ask for the new address.',
  '1.10': 'that domain takes no mail at all: use another address of the person.',
  '2.1': 'the mailbox is switched off: reach the person another way.',
  '2.2': 'the mailbox is full: tell the person another way, and send again later.',
  '2.3': 'make the message smaller, for example with a link instead of the attachment.',
  '3.4': 'make the message smaller, for example with a link instead of the attachment.',
  '4.1': 'the other server did not answer for days: check the part after the @, or reach the person another way.',
  '4.4': 'the way to the other server could not be found: check the part after the @, or send again later.',
  '4.6': 'the other side sends mail round in a circle: tell its administrator.',
  '4.7': 'the other server took no mail for days: send again later, or reach the person another way.',
  '6.7': 'the other server knows no addresses with such characters: ask for a plain one.',
  '7.1':
    'the other server does not want this message: its words above say why. Its administrator can help, or another address.',
}
const byClass: Readonly<Record<string, string>> = {
  '1': 'check the address.',
  '2': 'the mailbox cannot take it: tell the person another way.',
  '3': 'the other server cannot take it: send again later, or tell its administrator.',
  '4': 'the network was in the way: send again later.',
  '5': 'the two servers did not understand each other: show these words to an administrator.',
  '6': 'the other server cannot take the message in this form: try it as plain text or without attachments.',
  '7': 'the other server refuses it for a rule of its own: its words above say which. An administrator can help.',
}

/** @returns undefined for a code that says nothing. */
export function advice(enhanced: string): string | undefined {
  const [, subject, detail] = enhanced.split('.')
  if (subject === undefined || detail === undefined) return undefined
  return byCode[`${subject}.${detail}`] ?? byClass[subject]
}
