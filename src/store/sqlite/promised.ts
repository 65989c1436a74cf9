/**
 * What was answered with a 250 (the commit is durable) and cannot be read yet (its rows are being written). Reads of it wait, so that a client
 * that asks after a 250 finds the message. docs/architecture.md §27.
 */
export class Promised {
  #mailboxes: ReadonlySet<number> | undefined
  #visible: Promise<void> | undefined
  #show: (() => void) | undefined

  /** One group is under way at a time, so these are all. */
  add(mailboxes: Iterable<number>): void {
    this.#mailboxes = new Set(mailboxes)
  }

  /** The rows of all that was answered are written. */
  kept(): void {
    this.#mailboxes = undefined
    this.#visible = undefined
    this.#show?.()
    this.#show = undefined
  }

  /** Where messages were filed; undefined: nothing was answered. */
  get mailboxes(): ReadonlySet<number> | undefined {
    return this.#mailboxes
  }

  /** Resolves when the present ones can be read. */
  visible(): Promise<void> {
    return (this.#visible ??= new Promise((resolve) => (this.#show = resolve)))
  }
}
