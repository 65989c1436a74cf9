const dots =
  'People have such addresses (mobile carriers gave them out), and no other reading exists: taken, and written with quotes.'
const root = 'The dot that ends a name in DNS: taken, and left out.'

/** Addresses that we judge otherwise than is_email(), and why. */
export const isemailDifferences: Readonly<Record<string, string>> = {
  'abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghiklmn@iana.org':
    'Local parts beyond 64 octets are in use (VERP), and RFC 5321 §4.5.3.1 asks to avoid limits where possible: we take 255.',
  'abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghiklm@abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghikl.abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghikl.abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij':
    'Local parts beyond 64 octets are in use (VERP), and RFC 5321 §4.5.3.1 asks to avoid limits where possible: we take 255.',
  'a@abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghikl.abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghikl.abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghikl.abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefg.hij':
    'Local parts beyond 64 octets are in use (VERP), and RFC 5321 §4.5.3.1 asks to avoid limits where possible: we take 255.',
  '""@iana.org':
    'The grammar allows an empty quoted local part, but nothing delivers to it; refused, as it is easily taken for the null path.',
  '"abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz abcdefghj"@iana.org':
    'Local parts beyond 64 octets are in use (VERP), and RFC 5321 §4.5.3.1 asks to avoid limits where possible: we take 255.',
  '"abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz abcdefg\\h"@iana.org':
    'Local parts beyond 64 octets are in use (VERP), and RFC 5321 §4.5.3.1 asks to avoid limits where possible: we take 255.',
  'test@[IPv6:1111:2222:3333:4444:5555:6666::8888]':
    '"::" for a single group: RFC 5321 §4.1.3 wants two, RFC 4291 §2.2 one or more; the address is unambiguous.',
  '123456789012345678901234567890123456789012345678901234567890@12345678901234567890123456789012345678901234567890123456789.12345678901234567890123456789012345678901234567890123456789.12345678901234567890123456789012345678901234567890123456789.12345.iana.org':
    'Local parts beyond 64 octets are in use (VERP), and RFC 5321 §4.5.3.1 asks to avoid limits where possible: we take 255.',
  '12345678901234567890123456789012345678901234567890123456789012345@iana.org':
    'Local parts beyond 64 octets are in use (VERP), and RFC 5321 §4.5.3.1 asks to avoid limits where possible: we take 255.',
  '.test@iana.org': dots,
  'test.@iana.org': dots,
  '.first.last@iana.org': dots,
  'first.last.@iana.org': dots,
  'first..last@iana.org': dots,
  '.dot@iana.org': dots,
  'dot.@iana.org': dots,
  'two..dot@iana.org': dots,
  'test..test@iana.org': dots,
  '.wooly@iana.org': dots,
  'wo..oly@iana.org': dots,
  'pootietang.@iana.org': dots,
  '.@iana.org': dots,
  'test@iana.org.': root,
  'gatsby@f.sc.ot.t.f.i.tzg.era.l.d.': root,
  'test@example.': root,
  'a@bar.com.': root,
}
