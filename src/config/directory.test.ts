import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError } from './fault.ts'
import { parseConfig } from './load.ts'

async function faultsOf(text: string): Promise<string[]> {
  try {
    await parseConfig(text, '/etc/f')
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.faults.map((fault) => fault.text)
  }
}

const ldap = 'source = "ldap"\nurls = ["ldaps://l.example"]\nbase = "dc=a"'

test('a directory as it is meant: paths are made absolute', async () => {
  const text = `[directory]\n${ldap}\nca = "ca.pem"\nbindDn = "cn=x"\npasswordFile = "p"\naliasFilter = "(cn={user})"`
  const { directory } = await parseConfig(text, '/etc/f')
  assert.equal(directory.ca, '/etc/ca.pem')
  assert.equal(directory.passwordFile, '/etc/p')
  assert.deepEqual(directory.aliasAttributes, ['rfc822MailMember'])
  for (const url of ['ldap://127.0.0.1:3890', 'ldap://[::1]/', 'ldap://localhost'])
    assert.deepEqual(
      await faultsOf(`[directory]\nsource = "ldap"\nbase = "dc=a"\nstartTls = false\nurls = ["${url}"]`),
      [],
      url,
    )
})

const cases: readonly (readonly [string, RegExp])[] = [
  ['base = "dc=a"', /directory\.base has no effect with source = "store"/],
  ['source = "ldap"\nbase = "dc=a"', /needs directory\.urls/],
  ['source = "ldap"\nurls = ["ldaps://l.example"]', /needs directory\.base/],
  ['source = "ldap"\nbase = "dc=a"\nurls = ["https://l.example"]', /which is not an LDAP URL/],
  ['source = "ldap"\nbase = "dc=a"\nurls = ["ldap://l.example/dc=a"]', /which is not an LDAP URL/],
  ['source = "ldap"\nbase = "dc=a"\nurls = ["ldap://l.example"]\nstartTls = false', /without TLS/],
  [`${ldap}\nbindDn = "cn=x"`, /belong together/],
  [`${ldap}\npasswordFile = "x"`, /belong together/],
  [`${ldap}\nuserFilter = "mail={address}"`, /must stand in parentheses/],
  [`${ldap}\nuserFilter = "(mail={address}"`, /lacks a closing parenthesis/],
  [`${ldap}\nuserFilter = "(mail={address}))"`, /a parenthesis too many/],
  [`${ldap}\nuserFilter = "(mail={address})(uid={user})"`, /must be one filter/],
  [`${ldap}\nuserFilter = "(mail={adress})"`, /unknown place \{adress\}/],
  [`${ldap}\nuserFilter = "(objectClass=person)"`, /needs \{address\} or \{user\}/],
  [`${ldap}\nmemberAttributes = ["member"]`, /no effect without aliasFilter/],
  [`${ldap}\naliasFilter = "(cn={user})"\naliasAttributes = []`, /has no targets/],
]

for (const [text, fault] of cases)
  test(`[directory] ${text.replaceAll('\n', ', ')}`, async () => {
    const [first, ...more] = await faultsOf(`[directory]\n${text}`)
    assert.match(first ?? '', fault)
    assert.deepEqual(more, [])
  })
