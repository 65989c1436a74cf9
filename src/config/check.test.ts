import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'smol-toml'
import type { Config } from './config.ts'
import { formatFault, type ConfigFault } from './fault.ts'
import { readConfig } from './read.ts'

function read(toml: string): { config: Config; faults: string[] } {
  const faults: ConfigFault[] = []
  const config = readConfig(parse(toml), { file: 'f', lines: undefined, folder: '/etc' }, faults)
  return { config, faults: faults.map(formatFault) }
}

test('rules are read in their order, with what they need', () => {
  const { config, faults } = read(`
[[check]]
pattern = "/^Subject: .*lottery/i"
action = "reject"
[[check]]
name = "money"
where = "body"
of = "unauthenticated"
pattern = "/money/"
action = "redirect"
text = "Judge@Example.org"
[[check]]
pattern = "/viagra/"
action = "warn"
[[check]]
pattern = "/viagra/"
action = "discard"
text = "Für mich: ${'!'.repeat(200)}"
`)
  assert.deepEqual(faults, [])
  // The text of an action without a reply is a note of the operator.
  assert.deepEqual(
    config.checks.slice(2).map(({ action, text }) => [action, text.slice(0, 8)]),
    [
      ['warn', ''],
      ['discard', 'Für mich'],
    ],
  )
  assert.deepEqual(config.checks.slice(0, 2), [
    {
      name: 'check 1',
      where: 'header',
      pattern: /^Subject: .*lottery/im,
      action: 'reject',
      text: 'Refused by a rule of this host',
      of: 'all',
    },
    {
      name: 'money',
      where: 'body',
      pattern: /money/m,
      action: 'redirect',
      text: 'Judge@example.org',
      of: 'unauthenticated',
    },
  ])
})

for (const [keys, expected] of [
  ['action = "warn"', /A check needs "pattern"/],
  ['pattern = "/a/"', /A check needs "action"/],
  ['pattern = "lottery"\naction = "warn"', /check\[0\]\.pattern must stand between slashes/],
  ['pattern = "/(?=a)b/"\naction = "warn"', /check\[0\]\.pattern looks ahead or behind/],
  ['pattern = "/a/"\naction = "bcc"', /The action "bcc" needs an address/],
  ['pattern = "/a/"\naction = "redirect"\ntext = "nobody"', /The action "redirect" needs an address/],
  ['pattern = "/a/"\naction = "prepend"\ntext = "no field"', /The action "prepend" needs a field/],
  ['pattern = "/a/"\naction = "prepend"\ntext = "X-A: a\\r\\nX-B: b"', /The action "prepend" needs a field/],
  ['pattern = "/a/"\naction = "reject"\ntext = "a\\nb"', /one line of ASCII/],
  ['pattern = "/a/"\naction = "strip"\nwhere = "body"', /Only header fields can be removed/],
] as const)
  test(`a rule that cannot be: ${keys.replaceAll('\n', ', ')}`, () => {
    const { faults } = read(`[[check]]\n${keys}`)
    assert.match(faults.join('\n'), expected)
  })

test('tables of addresses: lower case from, as written to; what is no address is told', () => {
  const { config, faults } = read(`
[rewrite]
canonical = { "Old@Example.org" = "New.Name@Example.org", "@LAN.example" = "@example.org" }
senderBcc = { "@example.org" = "Archive@example.org" }
`)
  assert.deepEqual(faults, [])
  assert.deepEqual(
    [...config.rewrite.canonical],
    [
      ['old@example.org', 'New.Name@example.org'],
      ['@lan.example', '@example.org'],
    ],
  )
  assert.deepEqual([...config.rewrite.senderBcc], [['@example.org', 'Archive@example.org']])
  for (const [key, value] of [
    ['canonical', '{ "nobody" = "a@example.org" }'],
    ['canonical', '{ "a@example.org" = "nobody" }'],
    ['canonical', '"a@example.org"'],
    ['recipientBcc', '{ "a@example.org" = "@example.org" }'],
    ['alwaysBcc', '["nobody"]'],
  ])
    assert.equal(read(`[rewrite]\n${key} = ${value}`).faults.length, 1, `${key} = ${value}`)
})

test('who is believed is named narrowly', () => {
  const wide = `trustedNetworks = ["0.0.0.0/0"]
[smtp]
xclientFrom = ["::/0"]
[[listener]]
service = "smtp"
proxyFrom = ["10.0.0.5", "128.0.0.0/1"]
`
  assert.deepEqual(
    read(wide).faults.map((fault) => /(\S+) is a large part of the internet/.exec(fault)?.[1]),
    ['0.0.0.0/0', '128.0.0.0/1', '::/0'],
  )
})
