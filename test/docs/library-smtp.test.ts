/** docs/library/smtp.md: its examples are right in types, and run over real sockets; its defaults are the code's. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { join } from 'node:path'
import { handlerTimeoutMsDefault, messageBytesMaxDefault } from '../../src/library/smtp/server-options.ts'
import { smtpDefaults } from '../../src/protocol/smtp/policy.ts'
import { authFailuresMax } from '../../src/protocol/smtp/limits.ts'
import { admissionDefaults } from '../../src/listen/admission.ts'
import { testExamples } from './examples.ts'

const page = testExamples('smtp', 20)

test('the table of limits has the defaults of the code', () => {
  const count = (number: number): string => number.toLocaleString('en-US')
  for (const row of [
    `| \`messageBytesMax\` | ${messageBytesMaxDefault / 1024 / 1024} MiB |`,
    `| \`connectionsMax\` | ${count(admissionDefaults.connectionsMax)} |`,
    `| \`connectionsPerAddressMax\` | ${count(admissionDefaults.connectionsPerAddressMax)};`,
    `| \`handlerTimeoutMs\` | ${count(handlerTimeoutMsDefault)} |`,
    `| \`policy.recipientsMax\` | ${count(smtpDefaults.recipientsMax)} a message |`,
    `| \`policy.errorsMax\` | ${smtpDefaults.errorsMax} a connection`,
    `| failed sign-ins | ${authFailuresMax} a connection |`,
  ])
    assert.ok(page.includes(row), row)
})

test('what was built runs from plain JavaScript', (t) => {
  const cwd = process.env.PENNYPOST_ROOT!
  if (!existsSync(join(cwd, 'dist/library/smtp/index.js'))) return t.skip('npm run build makes it')
  const script = `
    const { SmtpServer, sendMail } = await import('pennypost/smtp')
    const server = new SmtpServer({ async onMessage(message) { console.log((await message.parse()).subject) } })
    const { port } = await server.listen(0)
    await sendMail({ host: '127.0.0.1', port, tls: 'none' }, { from: 'a@example.org', to: 'b@example.net', subject: 'Grüße' })
    await server.close()`
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd,
    encoding: 'utf8',
    timeout: 60_000,
  })
  assert.equal(said, 'Grüße\n')
})
