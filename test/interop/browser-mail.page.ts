/** The page that runs in the browser: takes the messages out of its document, and puts what they say into it. */
import { sampleFacts } from './browser-mail.facts.ts'

interface Page {
  readonly document: { getElementById(id: string): { textContent: string } }
  atob(text: string): string
}
const { document, atob } = globalThis as unknown as Page
const bytesOf = (base64: string): Uint8Array =>
  Uint8Array.from(atob.call(globalThis, base64), (char) => char.charCodeAt(0))
const toBase64 = (text: string): string => Buffer.from(text).toString('base64')
try {
  const messages = (JSON.parse(document.getElementById('messages').textContent) as string[]).map(bytesOf)
  document.getElementById('facts').textContent = (await sampleFacts(messages)).map(toBase64).join(' ')
} catch (error) {
  document.getElementById('facts').textContent = toBase64(`fault: ${(error as Error).stack}`)
}
