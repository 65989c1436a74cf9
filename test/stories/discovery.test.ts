/** A mail program finds its settings over a real https connection, with the certificate that mail has. */
import assert from 'node:assert/strict'
import { get } from 'node:https'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { silentLog } from '../../src/base/log.ts'
import { defaultConfig } from '../../src/config/load.ts'
import { realPlatform, startSystem } from '../../src/system.ts'

function fetchText(
  port: number,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string; certificate: string }> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, rejectUnauthorized: false, servername: 'localhost', headers }, (response) => {
      const socket = response.socket as TLSSocket
      const certificate = socket.getPeerX509Certificate()?.subjectAltName ?? ''
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode!, text, certificate }))
    }).on('error', reject)
  })
}

test('https: settings with the ports as others reach them', async () => {
  const base = defaultConfig()
  const config = {
    ...base,
    data: ':memory:',
    hostname: 'mail.example.org',
    domains: ['example.org'],
    listeners: base.listeners
      .filter(({ service }) => service === 'https' || service === 'imaps')
      .map((listener) => ({ ...listener, port: 0, publicPort: listener.service === 'imaps' ? 993 : 443 })),
  }
  const system = await startSystem(config, realPlatform(config, silentLog))
  try {
    const { port } = system.listening.find(({ service }) => service === 'https')!
    const answer = await fetchText(port, '/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=a@example.org')
    assert.equal(answer.status, 200)
    assert.match(answer.text, /<hostname>mail\.example\.org<\/hostname>\s*<port>993<\/port>/)
    assert.match(answer.certificate, /DNS:mail\.example\.org/)
    assert.equal((await fetchText(port, '/nothing')).status, 404)
    // RFC 9112 §3.2.2: the whole address, as to a proxy; its name counts, not Host's.
    const whole = 'https://autoconfig.example.org/mail/config-v1.1.xml'
    const absolute = await fetchText(port, whole, { host: 'elsewhere.example' })
    assert.equal(absolute.text, answer.text)
    assert.equal((await fetchText(port, 'https://elsewhere.example/mail/config-v1.1.xml')).status, 404)
  } finally {
    await system.stop()
  }
})
