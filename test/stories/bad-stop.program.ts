// Stops systems, each with another part of the stop failing. What such a stop leaves open holds its place until the process ends.
//   node bad-stop.program.js FOLDER fails|hangs PART…
// Prints a line of JSON for each part: { part, left, told }.
import { silentLog } from '../../src/base/log.ts'
import { startSystem } from '../../src/system.ts'
import { configOf, platformOf } from './lives.ts'

const [folder, how, ...parts] = process.argv.slice(2) as [string, string, ...string[]]
const deed = (): Promise<void> => (how === 'fails' ? Promise.reject(new Error('injected')) : new Promise(() => {}))

let printed = Promise.resolve()
for (const part of parts) {
  const told: unknown[] = []
  const error = (_event: string, facts: Record<string, unknown> = {}): void => void told.push(facts['part'])
  const config = configOf(folder, `${how} ${part}`, { smtp: 0, imap: 0, http: 0 })
  const system = await startSystem(
    config,
    platformOf(config, (step) => (step === part ? deed() : undefined), { ...silentLog, error }),
  )
  const left = await system.stop()
  await system.ended
  const line = `${JSON.stringify({ part, left, told })}\n`
  printed = printed.then(() => new Promise((resolve) => void process.stdout.write(line, () => resolve())))
}
await printed
process.exit()
