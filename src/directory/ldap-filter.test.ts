import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressFilter, escapeFilterValue, fillFilter, filterFault } from './ldap-filter.ts'

test('an address stands in its places, whole and in parts', () => {
  assert.equal(fillFilter('(mail={address})', 'alice@a.example'), '(mail=alice@a.example)')
  assert.equal(fillFilter('(&(u={user})(d={domain}))', 'alice@a.example'), '(&(u=alice)(d=a.example))')
  assert.equal(fillFilter('(|(mail={address})(uid={user}))', 'alice'), '(|(mail=alice)(uid=alice))')
  // What was filled in is not looked at again.
  assert.equal(fillFilter('(u={user})(d={domain})', '{domain}@a.example'), '(u={domain})(d=a.example)')
})

test('RFC 4515 §4: what has a meaning is escaped', () => {
  assert.equal(
    escapeFilterValue('Parens R Us (for all your parenthetical needs)'),
    'Parens R Us \\28for all your parenthetical needs\\29',
  )
  assert.equal(escapeFilterValue('*'), '\\2a')
  assert.equal(escapeFilterValue('C:\\MyFile'), 'C:\\5cMyFile')
  assert.equal(escapeFilterValue('\0'), '\\00')
})

test('no address changes what a filter is', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const filled = fillFilter('(mail={address})', text)
      assert.match(filled, /^\(mail=[^()*\0]*\)$/s)
      assert.equal(filterFault(filled.replace(/[{}]/g, ''), false), undefined)
    }),
  )
})

test('several attributes are alternatives', () => {
  assert.equal(addressFilter(['mail']), '(mail={address})')
  assert.equal(addressFilter(['mail', 'other']), '(|(mail={address})(other={address}))')
  assert.equal(filterFault(addressFilter(['mail', 'other']), true), undefined)
})

test('what is wrong with a filter is told', () => {
  for (const [template, expected] of [
    ['', /lacks a closing/],
    ['(mail={address}', /lacks a closing/],
    ['(&(mail={address})(a=b)', /lacks a closing/],
    ['mail={address}', /in parentheses/],
    ['(mail={address})(a=b)', /one filter/],
    ['(mail={address}))', /too many/],
    ['(mail={adress})', /unknown place \{adress\}/],
    ['(mail=x)', /needs \{address\} or \{user\}/],
  ] as const)
    assert.match(filterFault(template, true) ?? 'nothing', expected, template)
  assert.equal(filterFault('(objectClass=person)', false), undefined)
})
