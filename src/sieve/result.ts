/** What a run of a script comes to: actions that its host carries out, or an error. RFC 5228 §2.10. */
import type { Edit } from '../mail/edit.ts'
import type { DuplicateQuestion } from './question.ts'

interface Common {
  /** The line of the script; 0 for the implicit keep. */
  readonly line: number
}

/** What stores or sends the message itself. */
interface OfMessage extends Common {
  /** Changes of the header that were made before this action; apply them to the original bytes. RFC 5293 §7. */
  readonly edits: readonly Edit[]
  /** The implicit keep stands. RFC 3894 §3. */
  readonly copy: boolean
}

/** RFC 5228 §4.3. */
export interface Keep extends OfMessage {
  readonly kind: 'keep'
  /** undefined: the host's default, which is none. RFC 5232 §5. */
  readonly flags?: readonly string[]
}

/** RFC 5228 §4.1. */
export interface FileInto extends OfMessage {
  readonly kind: 'fileinto'
  readonly mailbox: string
  readonly flags?: readonly string[]
  /** The mailbox is to be created if there is none. RFC 5490 §3.2. */
  readonly create: boolean
  /** A mailbox with this attribute is preferred to the one named. RFC 8579 §4. */
  readonly specialUse?: string
  /** The mailbox with this id is preferred to the one named. RFC 9042 §4. */
  readonly mailboxId?: string
}

/** RFC 5228 §4.2. */
export interface Redirect extends OfMessage {
  readonly kind: 'redirect'
  readonly address: string
}

/** RFC 5228 §4.4. */
export interface Discard extends Common {
  readonly kind: 'discard'
}

/** RFC 5429 §2. */
export interface Reject extends Common {
  readonly kind: 'reject'
  readonly reason: string
  /** 'ereject': refusing in the transaction is wished for; 'reject': the reason is for a person to read, a DSN will do. */
  readonly command: 'reject' | 'ereject'
}

/** Where a copy of a message that is made is to be filed. RFC 8580 §3. */
export interface FileCopy {
  readonly mailbox: string
  readonly flags?: readonly string[]
  readonly create: boolean
  readonly specialUse?: string
  readonly mailboxId?: string
}

/** RFC 5230 §4. Whether it may be answered at all is `vacationRefusal`'s to say, whether it was answered lately the host's. */
export interface Vacation extends Common {
  readonly kind: 'vacation'
  /** RFC 6131 §2. As the script has it; 0 is every message. The host has limits of its own. */
  readonly seconds: number
  /** Names this reply: one each period for one handle and sender. Made of the other arguments, before variables, if none is given. */
  readonly handle: string
  readonly subject?: string
  readonly from?: string
  readonly addresses: readonly string[]
  readonly reason: string
  /** The reason is a MIME entity with header. */
  readonly mime: boolean
  readonly fcc?: FileCopy
}

/** RFC 5435 §3. */
export interface Notify extends Common {
  readonly kind: 'notify'
  /** The URI: `mailto:` and what follows. RFC 5436 §2. */
  readonly method: string
  readonly from?: string
  readonly importance: 'high' | 'normal' | 'low'
  readonly options: readonly string[]
  readonly message?: string
  readonly fcc?: FileCopy
}

export type SieveAction = Keep | FileInto | Redirect | Discard | Reject | Vacation | Notify

/** One step of a run, for an explanation. */
export interface RecordedStep {
  /** The included script that it is of; not given: the one that was run. */
  readonly script?: string
  readonly line: number
  /** `header`, `fileinto` */
  readonly name: string
  /** Of a test: whether it held. */
  readonly held?: boolean
  /** `"List-Id" is "<a.example.org>", which contains "a.example"` */
  readonly because?: string
}

interface Ended {
  readonly actions: readonly SieveAction[]
  /** Ids to be remembered once the actions are done. RFC 7352 §3. */
  readonly remember: readonly DuplicateQuestion[]
  /** Only if they were asked for. */
  readonly steps: readonly RecordedStep[]
}

export type RunResult =
  | (Ended & { readonly kind: 'done' })
  /** The script ended before its time: the actions are a keep of the message as it came. RFC 5228 §2.10.6. */
  | (Ended & { readonly kind: 'error'; readonly line: number; readonly problem: string })
