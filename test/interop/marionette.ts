/** Drives a Mozilla program by its remote protocol: scripts in the program's own context, and pictures of its windows. */
import { connect, type Socket } from 'node:net'

/** A message is its length, a colon, and JSON: [0, id, command, parameters] there, [1, id, error, result] back. */
export class Marionette {
  readonly #socket: Socket
  #rest: Buffer = Buffer.alloc(0)
  #id = 0
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the program is gone'))
    })
    socket.on('error', () => {})
  }

  static async connect(port: number): Promise<Marionette> {
    const socket = connect({ port, host: '127.0.0.1' })
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    const client = new Marionette(socket)
    await client.#ask('WebDriver:NewSession', { acceptInsecureCerts: false })
    await client.#ask('Marionette:SetContext', { value: 'chrome' })
    await client.#ask('WebDriver:SetTimeouts', { script: 60_000 })
    return client
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    for (;;) {
      const colon = this.#rest.indexOf(':')
      if (colon < 0) return
      const end = colon + 1 + Number(this.#rest.toString('latin1', 0, colon))
      if (this.#rest.length < end) return
      const message: unknown = JSON.parse(this.#rest.toString('utf8', colon + 1, end))
      this.#rest = this.#rest.subarray(end)
      // The first message is its greeting, an object.
      if (!Array.isArray(message)) continue
      const [, id, error, result] = message as [1, number, { message: string; stacktrace: string } | null, unknown]
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error) waiting?.reject(new Error(`${error.message}\n${error.stacktrace}`))
      else waiting?.resolve(result)
    }
  }

  #ask(command: string, parameters: unknown): Promise<unknown> {
    const id = ++this.#id
    const text = Buffer.from(JSON.stringify([0, id, command, parameters]))
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#socket.write(Buffer.concat([Buffer.from(`${text.length}:`), text]))
    })
  }

  /** Runs the body of an async function. Its `arguments` are `args`, its value has to be JSON. */
  async run<Value>(body: string, ...args: readonly unknown[]): Promise<Value> {
    const script = `const done = arguments[arguments.length - 1];
      (async (...args) => { ${body} })(...Array.from(arguments).slice(0, -1))
        .then((value) => done({ value: value ?? null }), (error) => done({ error: String(error) + '\\n' + (error?.stack ?? '') }));`
    const answer = (await this.#ask('WebDriver:ExecuteAsyncScript', {
      script,
      args,
      sandbox: 'system',
      newSandbox: false,
    })) as {
      value: { value: Value } | { error: string }
    }
    if ('error' in answer.value) throw new Error(answer.value.error)
    return answer.value.value
  }

  close(): void {
    this.#socket.destroy()
  }
}
