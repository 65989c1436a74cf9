/** An LDAP server whose going and coming back is told, once each, however many questions fail meanwhile. */
import type { LdapEntry, LdapQuestion, LdapServer } from '../base/ldap.ts'
import type { Log } from '../base/log.ts'

export class WatchedLdapServer implements LdapServer {
  readonly #server: LdapServer
  readonly #log: Log
  #away = false

  constructor(server: LdapServer, log: Log) {
    this.#server = server
    this.#log = log
  }

  /** The last question had no answer. */
  get away(): boolean {
    return this.#away
  }

  search(question: LdapQuestion): Promise<readonly LdapEntry[]> {
    return this.#watch(this.#server.search(question))
  }

  bind(dn: string, password: string): Promise<boolean> {
    return this.#watch(this.#server.bind(dn, password))
  }

  close(): void {
    this.#server.close()
  }

  async #watch<T>(asked: Promise<T>): Promise<T> {
    try {
      const answer = await asked
      if (this.#away) this.#log.info('directory answers again', {})
      this.#away = false
      return answer
    } catch (error) {
      if (!this.#away) this.#log.warn('directory does not answer', { error: String(error) })
      this.#away = true
      throw error
    }
  }
}
