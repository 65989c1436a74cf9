/** Where the test vectors of other projects lie: beside the checkout, not in it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const root = join(process.env.PENNYPOST_ROOT!, '..', 'shared', 'vectors')

/** The folder of a suite, and a reason to skip where it is not there. */
export function suite(name: string): { folder: string; skip: string | false } {
  const folder = join(root, name)
  return { folder, skip: existsSync(folder) ? false : 'no vectors' }
}

/** Fails with all cases that differ and are not known to, and with all that are known to and do not. */
export function judge(
  wrong: ReadonlyMap<string, string>,
  known: Readonly<Record<string, string>>,
): { unexpected: string[]; outdated: string[] } {
  return {
    unexpected: [...wrong].filter(([name]) => !Object.hasOwn(known, name)).map(([name, how]) => `${name}\n${how}`),
    outdated: Object.keys(known).filter((name) => !wrong.has(name)),
  }
}
