/** What every server under measurement has. */
export interface Server {
  readonly name: string
  /** The root of its process tree. */
  readonly pid: number
  /** How it makes mail durable: printed with each table. */
  readonly durability: string
  readonly port: Readonly<
    Partial<Record<'smtp' | 'submission' | 'submissions' | 'lmtp' | 'imap' | 'imaps' | 'pop3', number>>
  >
  /** Resolves when everything accepted has been worked off. */
  settled(): Promise<void>
  stop(): Promise<void>
}

/** The mailbox that all benchmarks write to and read from. */
export const user = { name: 'admin@bench.test', password: '' }
