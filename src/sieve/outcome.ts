/** Gathers the actions of a run: what cancels the implicit keep, what may not stand together, what counts once. RFC 5228 §2.10. */
import type { SieveLimits } from './limits.ts'
import type { FileInto, Keep, SieveAction } from './result.ts'
import { RunFault } from './run-fault.ts'

/** Actions that deliver the message: the sender must not be told that it was refused. RFC 5429 §2.4. */
const delivering: ReadonlySet<SieveAction['kind']> = new Set(['keep', 'fileinto', 'redirect'])

export class Outcome {
  readonly #actions: SieveAction[] = []
  readonly #limits: SieveLimits
  isKeepImplicit = true

  constructor(limits: SieveLimits) {
    this.#limits = limits
  }

  get actions(): readonly SieveAction[] {
    return this.#actions
  }

  add(action: SieveAction): void {
    this.#checkTogether(action)
    if (cancelsKeep(action)) this.isKeepImplicit = false
    const at = this.#actions.findIndex((other) => isSame(other, action))
    if (at >= 0) {
      // Once only, and the last flags count. RFC 5232 §3.
      const before = this.#actions[at] as Keep | FileInto
      if (action.kind === 'keep' || action.kind === 'fileinto')
        this.#actions[at] = { ...before, ...(action.flags === undefined ? {} : { flags: action.flags }) }
      return
    }
    if (this.#actions.length >= this.#limits.actionsMax)
      throw new RunFault(`a run may take ${this.#limits.actionsMax} actions`)
    this.#limit(action, 'redirect', this.#limits.redirectsMax)
    this.#limit(action, 'notify', this.#limits.notifiesMax)
    this.#actions.push(action)
  }

  #limit({ kind }: SieveAction, limited: SieveAction['kind'], max: number): void {
    if (kind === limited && this.#actions.filter((other) => other.kind === kind).length >= max)
      throw new RunFault(`a run may take ${max} times the action ${kind}`)
  }

  #checkTogether(action: SieveAction): void {
    const has = (kind: SieveAction['kind']): boolean => this.#actions.some((other) => other.kind === kind)
    if (action.kind === 'reject') {
      if (has('reject')) throw new RunFault('a message can be rejected once only')
      const other = this.#actions.find(({ kind }) => delivering.has(kind) || kind === 'vacation')
      if (other !== undefined) throw new RunFault(`reject cannot be used together with ${other.kind}`)
    } else if (has('reject') && (delivering.has(action.kind) || action.kind === 'vacation')) {
      throw new RunFault(`reject cannot be used together with ${action.kind}`)
    }
    // RFC 5230 §4.7.
    if (action.kind === 'vacation' && has('vacation')) throw new RunFault('vacation can be used once only')
  }
}

function cancelsKeep(action: SieveAction): boolean {
  if (action.kind === 'vacation' || action.kind === 'notify') return false
  return !('copy' in action && action.copy)
}

/** A message is filed once in a mailbox, and sent once to an address. RFC 5228 §2.10.3. */
function isSame(one: SieveAction, other: SieveAction): boolean {
  if (isInbox(one) && isInbox(other)) return true
  if (one.kind !== other.kind) return false
  if (one.kind === 'fileinto')
    return (
      one.mailbox === (other as FileInto).mailbox &&
      one.specialUse === (other as FileInto).specialUse &&
      one.mailboxId === (other as FileInto).mailboxId
    )
  if (one.kind === 'redirect') return one.address === (other as typeof one).address
  return one.kind === 'discard'
}

/** A keep files into INBOX. */
function isInbox(action: SieveAction): boolean {
  return (
    action.kind === 'keep' ||
    (action.kind === 'fileinto' &&
      action.mailbox.toUpperCase() === 'INBOX' &&
      action.specialUse === undefined &&
      action.mailboxId === undefined)
  )
}
