/** Header values that mail-parser reads otherwise, by file, and why we do not. */
export const headerDifferences: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'address.json': {
    'Pete(A nice \n \\\n ) chap) <pete(his\n account)@silly\n .test(his host)>\n':
      'A fold after a backslash: unfolding comes first (RFC 5322 §2.2.3), so the backslash quotes the space and the bracket closes the comment.',
    "A Group(Some people)\n        :Chris Jones <c@(Chris's host.)public.example>,\n            joe@example.org,\n     John <jdoe@one.test> (my dear friend); (the end of the group)\n":
      'A comment alone is no address.',
    '(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;\n': 'A comment alone is no member of a group.',
  },
  'content_type.json': {
    "application/pdf\n   filename*0*=iso-8859-1'es'%D1and%FA\n   filename*1*=iso-8859-1'%20r%E1pido\n   filename*2*=\"iso-8859-1' (versi%F3n \\'99 \\\"oficial\\\").pdf\"\n":
      'The charset belongs in the first segment only (RFC 2231 §4.1); repeated in later ones it is part of the value.',
    'image/jpeg;\n   name="=?iso-8859-1?B?4Q==?= =?utf-8?B?w6k=?= =?iso-8859-1?q?=ED?=.jpeg"\n':
      'White space between encoded words does not count (RFC 2047 §6.2).',
    'inva/lid; name="   \n':
      'White space at the end of a field is not part of its value; a quoted string that never ends goes no further.',
    'inva/lid; name="   \n    \n':
      'White space at the end of a field is not part of its value; a quoted string that never ends goes no further.',
    "test/encoded; key4*=us-ascii''foo; key*9999=ba%; key2*0=a; key3*0*=us-ascii'en'xyz; key*0=\"f\u0000oo\"; key2*1*=b%25; key3*1=plop%; key*1=baz; *=test; =test2;\n":
      'Segments after a gap (0, 1, 9999) are not joined (RFC 2231 §3): nothing tells how much is missing.',
    'malicious/attempt; 1*2*=a; 3**=b; 4***=c; *5**6*=d;*****7*8*=e; 9*10*11*12*13*14=f; 15*x***fff*===g;1 * 999999999999999999 *= h; 18 *=*=*=*=*==i;\n':
      'Names with asterisks in other places than RFC 2231 has them are no parameters.',
  },
  'date.json': {
    '20 11 (some \n 44 comments(more comments\n )) 79 05:34:27 -0300': 'A month is a name (RFC 5322 §3.3).',
    ' 4 8 15 16 23 42, 4 8 15 16 23 42, 4 8 15 16 23 42, ': 'A month is a name (RFC 5322 §3.3).',
    'Tue, 1 Jul 2003 ((invalid)\ncomment) 10:52:37 +0200':
      'The comment ends with its second bracket, on the next line: that is a valid date.',
    'by 2002:aa7:cd10:0:b0:45c:2c83:1208 with SMTP id b16-20020aa7cd10000000b0045c2c831208mr4220805edw.81.1665423075119;\n\tMon, 10 Oct 2022 10:31:15 -0700 (PDT)':
      'This is a Received value; dates are read from their beginning.',
  },
  'received.json': {
    'FROM ca-ex-bridge1.nai.com BY scwsout1.nai.com ; Fri Feb 07 10:18:12 2003 -0800\n':
      'A year of two or no digits in its usual place is understood (RFC 5322 §4.3, asctime).',
    'from snake.corp.yahoo.com(216.145.52.229) by x.x.org via smap (V1.3) id xma093673; Wed, 26 Mar 03 20:43:24 -0600\n':
      'A year of two or no digits in its usual place is understood (RFC 5322 §4.3, asctime).',
    'from smtp.greyware.com(208.14.208.51, HELO smtp.sff.net) by x.x.org via smap (V1.3) id xma002908; Fri, 27 Feb 04 14:16:56 -0800\n':
      'A year of two or no digits in its usual place is understood (RFC 5322 §4.3, asctime).',
    'from TCE-E-7-182-54.bta.net.cn(202.106.182.54) via SMTP by st.tahina.priv.at, id smtpdEDUB8h; Sun Nov 13 14:50:12 2005\n':
      'A year of two or no digits in its usual place is understood (RFC 5322 §4.3, asctime).',
    'from pl027.nas934.d-osaka.nttpc.ne.jp(61.197.82.27), claiming to be "foo.woas.net" via SMTP by st.tahina.priv.at, id smtpd1PBsZT; Sun Nov 13 15:38:52 2005\n':
      'A year of two or no digits in its usual place is understood (RFC 5322 §4.3, asctime).',
    'from olgisoft.com (127.0.0.1) by 127.0.0.1 (EzMTS MTSSmtp 1.55d5) ; Thu, 20 Mar 03 10:06:43 +0100 for <asrg@ietf.org>\n':
      'A year of two or no digits in its usual place is understood (RFC 5322 §4.3, asctime).',
    'from [<4124973-137966-3089@be2.maropost.com>] ([<4124973-137966-3089@be2.maropost.com>] helo=maropost.com)  by 643852-mailer2 (envelope-from 4124973-137966-3089@be2.maropost.com) Jetsend MTA 0.0.1 with ESMTP; Fri Sep 14 14:36:56 EDT 2018\n':
      'A year of two or no digits in its usual place is understood (RFC 5322 §4.3, asctime).',
    'from [193.220.176.134] by web40310.mail.yahoo.com via HTTP; Wed, 12 Feb 2003 14:22:21 PST\n':
      'The zone is read as RFC 5322 §4.3 defines it.',
    '(from vashugins@juno.com)  by m06.lax.untd.com (jqueuemail) id LRVB3JAJ; Fri, 02 Jun 2006 08:15:21 PDT\n':
      'The zone is read as RFC 5322 §4.3 defines it.',
    'from testintranator.net.vm ([unix socket])_ by testintranator.net.vm (Cyrus v2.3.14) with LMTPA;_ Tue, 21 Jul 2009 14:34:14 +0200\n':
      'An underscore is no space: the date is not found.',
    'from MjA3NDc4Mg (unknown) by ismtpd0001p1lon1.sendgrid.net (SG) with HTTP id aqHKNX2kSp-HiqspAa-uvw for <email@e.example.com>; Thu, 02 Apr 2020 07:53:55.516 +0000 (UTC)\n':
      'A fraction of a second does not hide the seconds.',
  },
  'unstructured.json': {
    '[SUSPECTED SPAM]=?utf-8?B?VGhpcyBpcyB0aGUgb3JpZ2luYWwgc3ViamVjdA==?=\n':
      'An encoded word that touches other text is decoded, but no space is put in that is not in the message.',
    '[SUSPECTED SPAM]=?utf-8?B?VGhpcyBpcyB0aGUgb\n 3JpZ2luYWwgc3ViamVjdA==?=\n':
      'An encoded word that touches other text is decoded, but no space is put in that is not in the message.',
    '[SUSPECTED SPAM]=?utf-8?B?VGhpcyBpcyB0aGUgb\r\n 3JpZ2luYWwgc3ViamVjdA==?=\r\n':
      'An encoded word that touches other text is decoded, but no space is put in that is not in the message.',
  },
}
