/** What verbs see of a session: who has signed in, which mailbox is open, what was switched on. RFC 3501 §3. */
import { assert } from '../../base/assert.ts'
import type { SessionHost } from '../action.ts'
import type { CommandTable } from '../command.ts'
import type { Authenticated } from '../sasl/authenticator.ts'
import type { ImapAccount, ImapSelected } from './backend.ts'
import { capabilities } from './capability.ts'
import type { Conversation, Dialogue, ImapCommand, State } from './command.ts'
import { condstore } from './condstore.ts'
import type { LastStructure } from './fetch/structure.ts'
import * as limits from './limits.ts'
import type { ImapOptions } from './options.ts'
import { Out } from './out.ts'
import { speaksRev2 } from './rev2.ts'
import { View } from './view.ts'
import { FrameReader } from './wire/reader.ts'

/** `ImapSession` adds the order of things. */
export abstract class OpenConversation implements Conversation {
  readonly options: ImapOptions
  readonly commands: CommandTable<ImapCommand>
  readonly out = new Out()
  host!: SessionHost
  state: State = 'notAuthenticated'
  structure: LastStructure | undefined
  protected readonly reader = new FrameReader(limits.lineBeforeLoginMaxBytes)
  protected openAccount: ImapAccount | undefined
  protected openView: View | undefined
  protected switchedOn: Set<string> | undefined
  protected commandTag = '*'
  /** The present command was given as UID <name>. */
  byUid = false
  protected replyCode: string | undefined
  protected replyWords: string | undefined
  protected dialogue: Dialogue | undefined
  /** STARTTLS was said. */
  protected handshake = false
  /** Said after the tagged reply; then the connection is closed. */
  protected byeAfter: string | undefined
  protected loginFailures = 0
  protected closing = false
  /** The connection is gone. */
  protected gone = false

  constructor(options: ImapOptions, commands: CommandTable<ImapCommand>) {
    this.options = options
    this.commands = commands
  }

  get account(): ImapAccount {
    assert(this.openAccount, 'no user has signed in')
    return this.openAccount
  }

  get view(): View {
    assert(this.openView, 'no mailbox is selected')
    return this.openView
  }

  get selected(): ImapSelected {
    return this.view.selected
  }

  get tag(): string {
    return this.commandTag
  }

  get enabled(): ReadonlySet<string> {
    return this.switchedOn ?? noneEnabled
  }

  enable(name: string): void {
    ;(this.switchedOn ??= new Set()).add(name)
    this.#tuneView()
  }

  capabilities(): string {
    return capabilities(this, this.commands)
  }

  async signIn(user: Authenticated): Promise<void> {
    const account = await this.options.backend.open(user)
    if (this.gone) return account.close()
    this.openAccount = account
    this.state = 'authenticated'
    this.host.signedIn?.(user)
    this.reader.textMaxBytes = limits.lineMaxBytes
  }

  signInFailed(): void {
    if (++this.loginFailures >= limits.loginFailuresMax) this.byeAfter = 'Too many failed logins'
  }

  async select(name: string, readOnly: boolean): Promise<void> {
    this.unselect()
    const selected = await this.account.select(name, { readOnly, onChange: () => this.changed() })
    if (this.gone) return selected.close()
    this.openView = new View(selected)
    this.#tuneView()
    this.state = 'selected'
  }

  unselect(): void {
    if (!this.openView) return
    const { selected } = this.openView
    this.openView = undefined
    this.structure = undefined
    this.state = 'authenticated'
    selected.close()
  }

  completed(code: string | undefined, text?: string): void {
    this.replyCode = code
    this.replyWords = text
  }

  converse(dialogue: Dialogue): void {
    this.dialogue = dialogue
  }

  startTls(): void {
    this.handshake = true
  }

  logout(): void {
    this.closing = true
  }

  bye(text: string): void {
    this.byeAfter = text
  }

  #tuneView(): void {
    if (!this.openView) return
    this.openView.tellsModSeq = this.enabled.has(condstore)
    this.openView.rev2 = speaksRev2(this)
  }

  /** The mailbox has news: only who listens is told without asking. */
  protected changed(): void {
    if (this.dialogue?.listens) this.host.wake()
  }
}

const noneEnabled: ReadonlySet<string> = new Set()
