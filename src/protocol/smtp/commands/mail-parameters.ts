/** The parameters of MAIL, one row each: what its value may be, and what it says. RFC 5321 §4.1.1.11. */
import { Refusal, status } from '../../../mail/status.ts'
import type { ReversePath } from '../../../mail/envelope.ts'
import type { MailParameters } from '../backend.ts'
import { isWithheld } from '../promises.ts'
import type { ServerState } from '../command.ts'
import { decodeXtext, SyntaxFault, type MailArguments } from '../wire/arguments.ts'

type Draft = { -readonly [K in keyof MailParameters]: MailParameters[K] }

const rows: Readonly<Record<string, (draft: Draft, value: string | undefined, state: ServerState) => void>> = {
  /** RFC 1870. */
  SIZE(draft, value, state) {
    if (value === undefined || !/^\d{1,20}$/.test(value)) throw new SyntaxFault('SIZE=number')
    draft.sizeBytes = Number(value)
    if (draft.sizeBytes > state.options.messageBytesMax) throw new Refusal(status.messageTooLarge)
  },
  /** RFC 6152, RFC 3030. */
  BODY(draft, value) {
    const body = value?.toLowerCase()
    if (body !== '7bit' && body !== '8bitmime' && body !== 'binarymime')
      throw new SyntaxFault('BODY=7BIT, BODY=8BITMIME or BODY=BINARYMIME')
    draft.body = body
  },
  /** RFC 6531. */
  SMTPUTF8(draft, value) {
    if (value !== undefined) throw new SyntaxFault('SMTPUTF8 without a value')
    draft.smtpUtf8 = true
  },
  /** RFC 3461 §4.3. */
  RET(draft, value) {
    const ret = value?.toLowerCase()
    if (ret !== 'full' && ret !== 'hdrs') throw new SyntaxFault('RET=FULL or RET=HDRS')
    draft.ret = ret
  },
  /** RFC 3461 §4.4: at most 100 characters, printable ones once decoded. */
  ENVID(draft, value) {
    const id = value === undefined || value.length > 100 ? undefined : decodeXtext(value)
    if (id === undefined || !/^[\x20-\x7e]+$/.test(id)) throw new SyntaxFault('ENVID=xtext of at most 100 characters')
    draft.envelopeId = id
  },
  /** RFC 4954 §5: it belongs to the extension, which not every service has. */
  AUTH(draft, value, state) {
    if (state.mechanisms.length === 0) throw unknownParameter('AUTH')
    const mailbox = value === undefined ? undefined : decodeXtext(value)
    if (mailbox === undefined) throw new SyntaxFault('AUTH=mailbox in xtext')
    draft.auth = mailbox === '<>' ? null : mailbox
  },
  /** RFC 8689 §2. */
  REQUIRETLS(draft, value, state) {
    if (!state.host.tls) throw unknownParameter('REQUIRETLS')
    if (value !== undefined) throw new SyntaxFault('REQUIRETLS without a value')
    draft.requireTls = true
  },
  /** RFC 2852 §4. */
  BY(draft, value, state) {
    if (state.nowMs === undefined) throw unknownParameter('BY')
    const match = /^([+-]?\d{1,9});([NR])(T?)$/i.exec(value ?? '')
    const seconds = Number(match?.[1])
    const mode = match?.[2]?.toUpperCase() === 'R' ? 'return' : 'notify'
    if (!match || (mode === 'return' && seconds <= 0))
      throw new SyntaxFault('BY=seconds;N or BY=seconds;R, with T or without')
    if (mode === 'return' && seconds * 1000 < state.policy.deliverByMinMs)
      throw new Refusal({
        code: 555,
        enhanced: '5.4.7',
        text: 'The deliver-by time is shorter than this server promises',
      })
    draft.deliverBy = { atMs: state.nowMs + seconds * 1000, mode, trace: match[3] !== '' }
  },
  /** RFC 6710 §3. */
  'MT-PRIORITY'(draft, value) {
    if (value === undefined || !/^(?:0|-?[1-9])$/.test(value))
      throw new SyntaxFault('MT-PRIORITY from -9 to 9', '5.5.2')
    draft.priority = Number(value)
  },
  /** RFC 4865 §3. */
  HOLDFOR(draft, value, state) {
    const nowMs = holdsFrom(state, 'HOLDFOR')
    if (value === undefined || !/^[1-9]\d{0,8}$/.test(value)) throw new SyntaxFault('HOLDFOR=seconds')
    hold(draft, state, nowMs + Number(value) * 1000, `for;${value}`)
  },
  HOLDUNTIL(draft, value, state) {
    holdsFrom(state, 'HOLDUNTIL')
    const match = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/i.exec(value ?? '')
    const atMs = match ? Date.parse(match[0]) : Number.NaN
    if (Number.isNaN(atMs)) throw new SyntaxFault('HOLDUNTIL=a time in UTC, as 2038-01-19T03:14:07Z')
    hold(draft, state, atMs, `until;${value}`)
  },
  /** RFC 3865 §2.3: what stands on our door is refused before it is sent. */
  SOLICIT(_draft, value, { policy: { noSoliciting } }) {
    if (noSoliciting.length === 0) throw unknownParameter('SOLICIT')
    if (value === undefined || value.length > 1000 || !solicitations.test(value))
      throw new SyntaxFault('SOLICIT=class,class of at most 1000 characters')
    const given = new Set(value.toLowerCase().split(','))
    const unwanted = noSoliciting.filter((word) => given.has(word.toLowerCase()))
    if (unwanted.length > 0)
      throw new Refusal({ code: 550, enhanced: '5.7.1', text: `No soliciting here: SOLICIT=${unwanted.join(',')}` })
  },
}

const solicitations = /^[A-Z][A-Z0-9._:-]*(?:,[A-Z][A-Z0-9._:-]*)*$/i

/** RFC 5321 §4.1.1.11: a parameter that was not offered is 555. */
export function unknownParameter(name: string): Refusal {
  return new Refusal({ code: 555, enhanced: '5.5.4', text: `${name} is not offered here` })
}

/** RFC 4865 §4.2: at submission alone. @returns the time now. */
function holdsFrom({ submission, nowMs, policy }: ServerState, name: string): number {
  if (!submission || nowMs === undefined || policy.futureReleaseMaxMs === 0) throw unknownParameter(name)
  return nowMs
}

function hold(draft: Draft, state: ServerState, atMs: number, request: string): void {
  // RFC 4865 §4.2: one of the two.
  if (draft.release) throw new SyntaxFault('HOLDFOR or HOLDUNTIL, not both')
  if (atMs > state.nowMs! + state.policy.futureReleaseMaxMs) throw new SyntaxFault('a release not that far ahead')
  draft.release = { atMs, request }
}

/** What MAIL says. */
export interface MailCommand {
  readonly reversePath: ReversePath
  readonly parameters: MailParameters
  /** The client wished for a priority that only those whom we know may have. RFC 6710 §4.1. */
  readonly isLowered: boolean
}

export function readMailParameters(state: ServerState, { reversePath, parameters: given }: MailArguments): MailCommand {
  const draft: Draft = { body: '7bit', smtpUtf8: false }
  const seen = new Set<string>()
  for (const { keyword, value } of given) {
    const row = Object.hasOwn(rows, keyword) ? rows[keyword] : undefined
    if (!row || !state.extended || isWithheld(state.options.withheld, keyword)) throw unknownParameter(keyword)
    if (seen.has(keyword)) throw new SyntaxFault(`${keyword} once`)
    seen.add(keyword)
    row(draft, value, state)
  }
  // RFC 4865 §5.2.2.
  if (draft.release && draft.deliverBy && draft.release.atMs > draft.deliverBy.atMs)
    throw new SyntaxFault('a release before the time to deliver by')
  const isLowered = (draft.priority ?? 0) > 0 && !state.known
  if (isLowered) draft.priority = 0
  return { reversePath, parameters: draft, isLowered }
}
