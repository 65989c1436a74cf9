/** The load generator of Postfix's package: written in C, it leaves the CPU to the server. */
import { runProgram } from './scratch.ts'

export interface SmtpSourceLoad {
  readonly messages: number
  readonly sessions: number
  readonly bytes: number
  /** A connection carries message after message; else each message has its own. */
  readonly reuse: boolean
  /** The reverse-path; '' is the null one, of which nobody is told anything. */
  readonly sender?: string
}

/** @returns messages a second, from the first connection to the last reply. */
export async function smtpSource(port: number, to: string, load: SmtpSourceLoad): Promise<number> {
  const args = [
    ...(load.reuse ? ['-d'] : []),
    '-s',
    `${load.sessions}`,
    '-m',
    `${load.messages}`,
    '-l',
    `${load.bytes}`,
    '-M',
    'client.bench.test',
    '-f',
    load.sender ?? 'sender@example.org',
    '-t',
    to,
    `inet:127.0.0.1:${port}`,
  ]
  const startedAt = performance.now()
  await runProgram('smtp-source', args)
  return (load.messages / (performance.now() - startedAt)) * 1000
}
