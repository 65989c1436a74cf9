/** `newaliases`: takes /etc/aliases into the store, at the origin's domain. aliases(5). */
import type { Config } from '../../config/config.ts'
import { realFiles } from '../../platform/real/files.ts'
import type { Owner } from '../../admin/owner.ts'
import type { Terminal } from '../../platform/real/terminal.ts'

const aliasesFile = '/etc/aliases'
/** People write these by hand. */
const entriesMax = 100_000

export interface AliasEntry {
  readonly name: string
  readonly targets: readonly string[]
  /** Programs, files and lists of files: not taken. */
  readonly skipped: readonly string[]
  readonly line: number
}

/** `name: target, target`, continued on lines that begin with white space; `#` begins a comment line. */
export function parseAliases(text: string): AliasEntry[] {
  const lines: { text: string; line: number }[] = []
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue
    const before = lines.at(-1)
    if (/^\s/.test(line) && before) before.text += ` ${line.trim()}`
    else lines.push({ text: line, line: i + 1 })
  }
  return lines.slice(0, entriesMax).flatMap(({ text: entry, line }) => {
    const match = /^\s*(?:"([^"]+)"|([^\s:"]+))\s*:\s*(.*)$/.exec(entry)
    if (!match) return []
    const words = (match[3]!.match(/"[^"]*"|[^,]+/g) ?? []).map((word) => word.trim()).filter((word) => word !== '')
    const isSkipped = (word: string): boolean => /^"?[|/:]/.test(word)
    return [
      {
        name: (match[1] ?? match[2])!,
        targets: words
          .filter((word) => !isSkipped(word))
          .map((word) => word.replace(/^"(.*)"$/, '$1').replace(/^\\/, '')),
        skipped: words.filter(isSkipped),
        line,
      },
    ]
  })
}

async function hasAccount(owner: Owner, name: string): Promise<boolean> {
  try {
    await owner.ask('accountShow', { name })
    return true
  } catch (error) {
    if ((error as { code?: unknown }).code === 'noSuchAccount') return false
    throw error
  }
}

export async function takeAliases(config: Config, terminal: Terminal, file = aliasesFile): Promise<number> {
  const [{ openOwner }, { complete }] = await Promise.all([import('../../admin/owner.ts'), import('./message.ts')])
  const bytes = await realFiles.read(file)
  if (!bytes) {
    terminal.note(`newaliases: there is no ${file}: aliases live in the store, see "pennypost alias"\n`)
    return 0
  }
  const owner = await openOwner(config.data)
  try {
    let taken = 0
    let longest = 0
    for (const { name, targets, skipped, line } of parseAliases(Buffer.from(bytes).toString('utf8'))) {
      for (const one of skipped)
        terminal.note(
          `newaliases: ${file}:${line}: ${one} is a program, a file or a list of them, which is not taken\n`,
        )
      if (targets.length === 0) continue
      const address = complete(name, config.origin)
      const all = targets.map((target) => complete(target, config.origin))
      // `alice: \alice, bob` keeps a copy, where there is an account that can.
      const keepsCopy = all.includes(address) && (await hasAccount(owner, address))
      const others = all.filter((target) => target !== address)
      if (others.length === 0) continue
      const completed = keepsCopy ? [address, ...others] : others
      await owner.ask('aliasAdd', { address, targets: completed })
      taken++
      longest = Math.max(longest, completed.join(', ').length)
    }
    terminal.out(`${file}: ${taken} aliases, longest ${longest} bytes\n`)
    return 0
  } finally {
    await owner.close()
  }
}
