/** A terminal for programs that only talk to a person: keys go in, and the screen is read, by tmux. */
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { run } from './programs.ts'

/** No screen of a program on this machine takes longer, however busy it is. */
const screenWaitMs = 20_000

export class Terminal {
  readonly #socket: string

  private constructor(socket: string) {
    this.#socket = socket
  }

  /** @param folder of the caller: the socket lies there. */
  static async start(folder: string, command: string, env: Readonly<Record<string, string>>): Promise<Terminal> {
    const terminal = new Terminal(join(folder, 'tmux'))
    const variables = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`])
    await terminal.#tmux('-f', '/dev/null', 'new-session', '-d', '-x', '120', '-y', '40', ...variables, command)
    return terminal
  }

  async #tmux(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await run('tmux', ['-u', '-S', this.#socket, ...args])
    if (code !== 0) throw new Error(`tmux ${args[0]}: ${err}`)
    return Buffer.from(out, 'latin1').toString()
  }

  /** The text as it is. */
  async type(text: string): Promise<void> {
    await this.#tmux('send-keys', '-l', '--', text)
  }

  /** Keys by tmux's names: Enter, C-x, Down. */
  async press(...keys: readonly string[]): Promise<void> {
    await this.#tmux('send-keys', '--', ...keys)
  }

  screen(): Promise<string> {
    return this.#tmux('capture-pane', '-p')
  }

  /** Waits until the screen has it. */
  async shows(pattern: RegExp): Promise<string> {
    const untilMs = performance.now() + screenWaitMs
    for (;;) {
      const screen = await this.screen()
      if (pattern.test(screen)) return screen
      if (performance.now() > untilMs) throw new Error(`${String(pattern)} did not appear:\n${screen}`)
      await sleep(50)
    }
  }

  /** Ends the program, if it has not ended. */
  async stop(): Promise<void> {
    await this.#tmux('kill-server').catch(() => {})
  }
}
