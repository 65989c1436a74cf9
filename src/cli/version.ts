/** `pennypost version`: which program this is, and on what it runs. */
import facts from '../../package.json' with { type: 'json' }
import { examples, jsonOption } from './context.ts'
import type { Subcommand } from './subcommand.ts'

export const version: Subcommand = (program, terminal) => {
  program.version(facts.version, '-V, --version', 'print the version number')
  examples(
    jsonOption(program.command('version').description('print the versions of Pennypost and Node')),
    'pennypost version',
    'pennypost version --json',
  ).action(({ json }: { json?: boolean }) => {
    const about = {
      pennypost: facts.version,
      node: process.versions.node,
      platform: `${process.platform}-${process.arch}`,
    }
    terminal.out(
      json ? `${JSON.stringify(about)}\n` : `Pennypost ${about.pennypost} on Node ${about.node}, ${about.platform}\n`,
    )
  })
}
