/** Idle SMTP sessions: what one costs that has said EHLO and waits, in plain text and over STARTTLS. */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { startPennypost } from './support/pennypost.ts'
import { memory } from './support/processes.ts'
import { bench } from './support/scratch.ts'
import { Table, verdict } from './support/table.ts'

/** Resolves at the last line of a reply. */
function reply(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    const heard = (bytes: Buffer): void => {
      text += bytes.toString('latin1')
      if (!/^\d{3} .*\r\n$/m.test(text)) return
      socket.off('data', heard)
      if (/^[23]/.test(text)) resolve()
      else reject(new Error(text))
    }
    socket.on('data', heard)
    socket.once('error', reject)
  })
}

async function session(port: number, tls: boolean): Promise<Socket> {
  const plain = connect({ port, host: '127.0.0.1' })
  await reply(plain)
  plain.write('EHLO client.bench.test\r\n')
  await reply(plain)
  if (!tls) return plain
  plain.write('STARTTLS\r\n')
  await reply(plain)
  const secure = connectTls({ socket: plain, rejectUnauthorized: false })
  await new Promise((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject))
  secure.write('EHLO client.bench.test\r\n')
  await reply(secure)
  return secure
}

await bench(async () => {
  const table = new Table('idle SMTP sessions', 'number', 'PSS before MiB', 'PSS MiB', 'KiB each', 'aim')
  for (const { title, tls, most } of [
    { title: 'plain text', tls: false, most: 10_000 },
    { title: 'STARTTLS', tls: true, most: 2000 },
  ]) {
    const server = await startPennypost({ services: ['smtp'] })
    // Its first sessions load what all others share.
    for (const socket of await Promise.all(Array.from({ length: 50 }, () => session(server.port.smtp!, tls))))
      socket.destroy()
    await sleep(3000)
    const before = memory(server.pid).pssKiB
    const sockets: Socket[] = []
    while (sockets.length < most)
      sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => session(server.port.smtp!, tls)))))
    await sleep(3000)
    const { pssKiB } = memory(server.pid)
    const each = (pssKiB - before) / most
    table.add(title, most, before / 1024, pssKiB / 1024, each, tls ? '' : verdict(each, { atMost: 8 }))
    for (const socket of sockets) socket.destroy()
    await server.stop()
  }
  table.print('Idle SMTP sessions')
})
