/** Advice to the sender of a bounced message, by enhanced status code. RFC 3463. */

const byCode: Readonly<Record<string, string>> = {
  '1.1':
    'check the part before the @: that mailbox does not exist. If the address worked before, contact the person another way.',
  '1.2': 'check the part after the @: that domain does not exist or receives no mail.',
  '1.3': 'check the address: it is not written correctly.',
  '1.6': 'the person has moved: ask for the new address.',
  '1.10': 'that domain accepts no mail at all: use another address of the person.',
  '2.1': 'the mailbox is disabled: contact the person another way.',
  '2.2': 'the mailbox is full: contact the person another way, and send the message again later.',
  '2.3': 'make the message smaller, for example with a link instead of the attachment.',
  '3.4': 'make the message smaller, for example with a link instead of the attachment.',
  '4.1': 'the other server did not answer for days: check the part after the @, or contact the person another way.',
  '4.4': 'no route to the other server was found: check the part after the @, or send again later.',
  '4.6': 'the message is sent round in a mail loop: tell the administrator of the other side.',
  '4.7': 'the other server accepted no mail for days: send again later, or contact the person another way.',
  '6.7': 'the other server does not support addresses with such characters: ask for an address in ASCII.',
  '7.1':
    'the other server does not accept this message: its reply above says why. Its administrator can help, or use another address.',
}
const byClass: Readonly<Record<string, string>> = {
  '1': 'check the address.',
  '2': 'the mailbox cannot receive the message: contact the person another way.',
  '3': 'the other server cannot receive the message: send again later, or tell its administrator.',
  '4': 'there was a network problem: send again later.',
  '5': 'the two servers did not understand each other: show this message to an administrator.',
  '6': 'the other server cannot receive the message in this form: try plain text, or leave out attachments.',
  '7': 'the other server refuses the message because of a local rule: its reply above says which. An administrator can help.',
}

/** @returns undefined for codes without advice. */
export function advice(enhanced: string): string | undefined {
  const [, subject, detail] = enhanced.split('.')
  if (subject === undefined || detail === undefined) return undefined
  return byCode[`${subject}.${detail}`] ?? byClass[subject]
}
