/** Parsers of what proves a sender: DKIM, ARC, SPF, DMARC, policies of TLS; and of the DNS. */
import { parseIpAddress, parseIpNetwork } from '../../src/base/ip-network.ts'
import { parseHeader } from '../../src/mail/header.ts'
import { readAnswer } from '../../src/platform/real/dns/answer.ts'
import { decodeMessage } from '../../src/platform/real/dns/message.ts'
import { parseResolvConf } from '../../src/platform/real/dns/servers.ts'
import { ArcVerifier } from '../../src/trust/arc/verify.ts'
import { isResultsOf } from '../../src/trust/authentication-results.ts'
import { parseDkimKey } from '../../src/trust/dkim/key.ts'
import { parseDkimSignature } from '../../src/trust/dkim/signature.ts'
import { parseTags } from '../../src/trust/dkim/tags.ts'
import { DkimVerifier } from '../../src/trust/dkim/verify.ts'
import { checkDmarc } from '../../src/trust/dmarc/check.ts'
import { parseDmarcRecord } from '../../src/trust/dmarc/record.ts'
import { publicKeyOf } from '../../src/trust/dane/certificate-der.ts'
import { parseStsPolicy, parseStsRecord } from '../../src/trust/mta-sts/policy.ts'
import { checkSpf } from '../../src/trust/spf/check.ts'
import { parseSpfRecord } from '../../src/trust/spf/record.ts'
import { parseTlsRptRecord } from '../../src/trust/tls-rpt/record.ts'
import { dnsMax, headerMax, latin1Bytes, parser, tried, type Parser } from './parser.ts'

const found = (text: string) => Promise.resolve({ kind: 'found' as const, records: [text] })
const none = Promise.resolve({ kind: 'none' as const, nameExists: false })
const signature =
  'DKIM-Signature: v=1; a=rsa-sha256; d=a.test; s=s; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=aaaa;'

async function verify(text: string): Promise<unknown> {
  const bytes = latin1Bytes(text)
  const header = parseHeader(bytes)
  const dns = { txt: () => found('v=DKIM1; p=aaaa') }
  const dkim = new DkimVerifier(header)
  dkim.write(bytes)
  const arc = new ArcVerifier(header)
  arc.write(bytes)
  return [await dkim.end(dns, 0), await arc.end(dns)]
}

/** A key that was read is remembered: each has to be another. */
let keys = 0

export const trustParsers: readonly Parser[] = [
  parser('signed messages', {
    covers: ['DkimVerifier', 'ArcVerifier', 'arcSets', 'BodyDigest', 'canonicalField', 'signedFields'],
    sizeMax: headerMax,
    tokens: [
      'a',
      ' ',
      'a=b;',
      ';',
      '=',
      'x: y\r\n',
      '\r\n ',
      ':',
      `${signature}\r\n`,
      'ARC-Seal: i=1; a=rsa-sha256\r\n',
      'from:',
      '\t',
    ],
    before: [
      '',
      `${signature} x=`,
      'DKIM-Signature: v=1; h=from:',
      'ARC-Seal: i=1; ',
      'ARC-Authentication-Results: ',
      'a: b\r\n\r\n',
    ],
    run: verify,
  }),
  parser('tags', {
    covers: ['parseTags', 'decodeTagBase64', 'parseDkimSignature', 'withoutSignature', 'parseDkimKey'],
    sizeMax: headerMax,
    tokens: ['a=b;', ';', '=', ' ', 'a', '\r\n ', 'v=1;', 'p=', 'h=a:', ':', '\t', '/'],
    before: ['', 'v=DKIM1; p=', 'v=1; a=rsa-sha256; h='],
    run: (text) => [parseTags(text), parseDkimSignature(text), parseDkimKey(`${text} ${(keys += 1)}`)],
  }),
  parser('SPF', {
    covers: ['parseSpfRecord', 'isSpfRecord', 'expandMacros', 'expandDomain', 'checkSpf'],
    sizeMax: dnsMax,
    tokens: [
      'a ',
      'ip4:1.2.3.4 ',
      '%{d}',
      '%',
      'a',
      '.',
      '/1',
      ':',
      'exists:%{i}.x ',
      '=',
      '-',
      '1',
      '%{s9r.-+}',
      'include:a.test ',
    ],
    before: ['v=spf1 ', 'v=spf1 a:', 'v=spf1 a:.', 'v=spf1 exists:%{', 'v=spf1 x=', 'v=spf1 include:a.'],
    run: (text) => {
      tried(() => parseSpfRecord(text))
      const dns = { txt: () => found(text), mx: () => none, reverse: () => none, addresses: () => none }
      return checkSpf({ ip: '192.0.2.1', mailFrom: 'a@a.test', helo: 'a.test', receiver: 'b', nowMs: 0 }, dns as never)
    },
  }),
  parser('SPF of long names', {
    covers: [],
    sizeMax: 12_000,
    tokens: ['a', '.', '@', '-', '"', '%', '{', '%{d}', '+', 'a.', '[', ':'],
    run: (text) => {
      const dns = {
        txt: () => found('v=spf1 exists:%{lr-}.%{S2}.%{h} -all'),
        mx: () => none,
        reverse: () => none,
        addresses: () => none,
      }
      return checkSpf({ ip: '::1', mailFrom: `${text}@a.test`, helo: text, receiver: 'b', nowMs: 0 }, dns as never)
    },
  }),
  parser('DMARC', {
    covers: ['parseDmarcRecord', 'isDmarcRecord', 'checkDmarc', 'organizationalDomain'],
    sizeMax: dnsMax,
    tokens: ['p=none;', ';', '=', ' ', 'a', 'v=DMARC1;', 'sp=', ',', ':', '!', 'rua=mailto:a@b,', '%'],
    before: ['v=DMARC1; p=none; ', 'v=DMARC1'],
    run: (text) => [
      parseDmarcRecord(text),
      checkDmarc(
        { fromDomains: ['a.test'], certain: true, spf: { result: 'none', domain: '' } as never, dkim: [] },
        { txt: () => found(text) },
      ),
    ],
  }),
  parser('findings of others', {
    covers: ['isResultsOf'],
    sizeMax: headerMax,
    tokens: ['(', ')', 'a', ';', ' ', '"', '\\', '\r\n ', '.', '=', '/', 'dkim=pass '],
    before: ['', 'mx.a.test'],
    run: (text) => isResultsOf(text, 'mx.a.test'),
  }),
  parser('policies of TLS', {
    covers: ['parseStsRecord', 'parseStsPolicy', 'parseTlsRptRecord'],
    sizeMax: 131_072,
    tokens: [
      'mx: a.test\n',
      'a: b\n',
      '\n',
      ' ',
      ':',
      'id=1;',
      ';',
      'mode: enforce\r\n',
      'rua=mailto:a,',
      '=',
      'v=STSv1;',
      '\r',
    ],
    before: ['', 'version: STSv1\n', 'v=STSv1; id=', 'v=TLSRPTv1; rua='],
    run: (text) => [parseStsRecord([text]), parseStsPolicy(text), parseTlsRptRecord([text])],
  }),
  parser('certificates', {
    covers: ['publicKeyOf'],
    sizeMax: dnsMax,
    tokens: ['\x30\x80', '\x30\x82\xff\xff', '\0', '\xa0\x03', '\x02\x01\x01', '\xff', '\x30\x00', '\x30'],
    run: (text) => publicKeyOf(latin1Bytes(text)),
  }),
  parser('DNS messages', {
    covers: ['decodeMessage', 'readName', 'readRecord', 'readAnswer'],
    sizeMax: dnsMax,
    tokens: [
      '\0',
      '\xc0\x0c',
      '\x01a',
      '\x3f' + 'a'.repeat(63),
      '\xc0\x0c\0\x05\0\x01\0\0\0\0\0\x02\xc0\x0c',
      '\xc0\x0c\0\x10\0\x01\0\0\0\0\0\x02\x01a',
      '\xff',
      '\0\0\x29\x04\xd0\0\0\0\0\0\0',
    ],
    before: ['\0\x01\x80\0\0\x01\xff\xff\0\0\0\0\x01a\0\0\x10\0\x01', '\0\x01\x80\0\xff\xff\xff\xff\xff\xff\xff\xff'],
    run: (text) => tried(() => readAnswer(decodeMessage(latin1Bytes(text)), 'a', 'txt')),
  }),
  parser('addresses of hosts', {
    covers: ['parseIpNetwork', 'parseIpAddress', 'parseResolvConf', 'parseServer'],
    sizeMax: dnsMax,
    tokens: [':', '1', '.', '::', '/', '1:', '1.', '%', 'f', '[', 'nameserver ::1\n', ' '],
    run: (text) => [parseIpNetwork(text), parseIpAddress(text), parseResolvConf(text)],
  }),
]
