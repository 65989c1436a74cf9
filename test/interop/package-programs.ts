/** Programs of consumers in TypeScript, as their own compilers check them. */

export const mailProgram = `
import { composeMessage, readMessage, readStream, walkParts, type ReadMessage } from 'pennypost/mail'
export const message: ReadMessage = readMessage(Uint8Array.of(65))
export const names: readonly string[] = message.files.map((file) => file.name ?? '')
export const kinds: readonly string[] = [...walkParts(message.root)].map((part) => part.kind)
export async function compose(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  for await (const event of readStream(source)) if (event.kind === 'body') event.bytes.fill(0)
  const options = { nowMs: 0, hostname: 'example.org', unique: (): string => 'abcdefgh' }
  return composeMessage({ from: 'a@example.org', attachments: [{ content: source, name: 'a.bin' }] }, options).bytes()
}
`
export const smtpProgram = `
import { isTemporary, sendMail, SmtpPool, SmtpServer, type SendReport, type SmtpServerSettings } from 'pennypost/smtp'
const settings: SmtpServerSettings<string> = {
  onPassword: ({ username }) => username,
  onMessage: async (message) => void (await message.parse()).subject,
}
export const server: SmtpServer<string> = new SmtpServer(settings)
export async function send(): Promise<SendReport | boolean> {
  await using pool = new SmtpPool({ host: 'example.org', auth: { username: 'a', password: 'b' } })
  return sendMail(pool, { from: 'a@example.org', to: 'b@example.org', text: 'x' }).catch(isTemporary)
}
`
export const systemProgram = `
import { createSystem, type CreateSystemOptions, type RunningSystem } from 'pennypost'
const options: CreateSystemOptions = {
  accounts: { 'a@example.org': 'correct horse' },
  outgoing: async (message) => void (await message.parse()).subject,
}
export async function first(): Promise<string | undefined> {
  const system: RunningSystem = await createSystem({ hostname: 'example.org' }, options)
  const stored = await system.waitForMessage('a@example.org', { where: ({ subject }) => subject === 'x' })
  await system.stop()
  return (await stored.parse()).subject
}
`
export const requireProgram = `
import mail = require('pennypost/mail')
import smtp = require('pennypost/smtp')
const message: mail.ReadMessage = mail.readMessage(Uint8Array.of(65))
const pool: smtp.SmtpPool = new smtp.SmtpPool({ host: 'example.org' })
export = [message, pool]
`
