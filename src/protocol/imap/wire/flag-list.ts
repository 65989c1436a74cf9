/** Flags on the wire. RFC 3501 §2.3.2, §9 `flag-list`. */
import { flagWordBits, systemFlags } from '../../../mail/flags.ts'

export type FlagNames = readonly (string | undefined)[]

/** Combinations worth remembering of an account; beyond this the memory is begun anew. */
const rememberedMax = 512

/** Lists by flag bits, of the accounts in use: a mailbox has few combinations, and all its sessions spell them alike. */
const remembered = new WeakMap<FlagNames, Map<number, string>>()

/** Spells flag bits as `\Seen $Junk`, without parentheses and without \Recent, which is the session's. */
export class FlagEncoder {
  readonly #names: FlagNames
  readonly #lists: Map<number, string>
  /** A flag was left out, since its name is not known yet: what was spelled holds for this moment only. */
  lacksNames = false

  constructor(names: FlagNames) {
    this.#names = names
    let lists = remembered.get(names)
    if (!lists) remembered.set(names, (lists = new Map()))
    this.#lists = lists
  }

  encode(low: number, high: number): string {
    const key = high * 2 ** flagWordBits + low
    const list = this.#lists.get(key)
    return list === undefined ? this.#spell(key, low, high) : list
  }

  #spell(key: number, low: number, high: number): string {
    let list = ''
    let complete = true
    for (let bit = 0; bit < 2 * flagWordBits; bit++) {
      const word = bit < flagWordBits ? low : high
      if (((word >>> (bit % flagWordBits)) & 1) === 0) continue
      const name = this.#names[bit]
      if (name === undefined) complete = false
      else list += list === '' ? name : ` ${name}`
    }
    // A set bit without a name was made a moment ago: its list is not remembered.
    if (!complete) this.lacksNames = true
    else {
      if (this.#lists.size >= rememberedMax) this.#lists.clear()
      this.#lists.set(key, list)
    }
    return list
  }
}

/** The spelling of a system flag however it was typed; undefined for what is none. */
export function systemFlag(name: string): string | undefined {
  const lower = name.toLowerCase()
  return systemFlags.find((flag) => flag.toLowerCase() === lower)
}
