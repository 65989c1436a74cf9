/** `pennypost config`: check a configuration, learn what a key means, get a sample to edit. */
import type { Command } from 'commander'
import type { Terminal } from '../platform/real/terminal.ts'
import { CommandFault, examples, jsonOption } from './context.ts'
import type { Subcommand } from './subcommand.ts'

export const config: Subcommand = (program, terminal, fail) => {
  const configs = program.command('config').description('check or explain a configuration, or print a sample')
  examples(
    configs,
    'pennypost config sample > pennypost.toml',
    'pennypost config check pennypost.toml',
    'pennypost config explain transfer.retryAfterMs',
  )
  addCheck(configs, terminal, fail)
  addExplain(configs, terminal)
  addSample(configs, terminal)
  addReference(configs, terminal)
}

function addCheck(configs: Command, terminal: Terminal, fail: (status: number) => void): void {
  examples(
    jsonOption(
      configs
        .command('check')
        .description('check a configuration file and print every error with its line')
        .argument('<file>'),
    ),
    'pennypost config check pennypost.toml',
  ).action(async (file: string, { json }: { json?: boolean }) => {
    const [{ loadConfig }, { ConfigError, formatFault }] = await Promise.all([
      import('../config/load.ts'),
      import('../config/fault.ts'),
    ])
    try {
      const { listeners, data, warnings } = await loadConfig(file)
      if (json)
        terminal.out(
          `${JSON.stringify(
            warnings.map((warning) => ({ ...warning, warning: true })),
            null,
            1,
          )}\n`,
        )
      else {
        for (const warning of warnings) terminal.note(`${formatFault(warning)}\n`)
        terminal.out(
          `${file} is valid: ${listeners.length} ${listeners.length === 1 ? 'listener' : 'listeners'}, data in ${data}.\n`,
        )
      }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      if (json) terminal.out(`${JSON.stringify(error.faults, null, 1)}\n`)
      else for (const fault of error.faults) terminal.note(`${formatFault(fault)}\n`)
      fail(1)
    }
  })
}

function addExplain(configs: Command, terminal: Terminal): void {
  examples(
    jsonOption(configs.command('explain').description('explain one key, or all of them').argument('[key]')),
    'pennypost config explain',
    'pennypost config explain messageBytesMax',
    'pennypost config explain listener',
  ).action(async (key: string | undefined, { json }: { json?: boolean }) => {
    const { defaultText, entries, explainEntry, findEntries, suggestEntry } = await import('../config/explain.ts')
    const found = key === undefined ? entries : findEntries(key)
    if (found.length === 0) {
      const near = suggestEntry(key!)
      throw new CommandFault(
        `Unknown key "${key}". ${near === undefined ? '"pennypost config explain" lists them all.' : `Did you mean "${near}"?`}`,
      )
    }
    if (json) {
      const rows = found.map((entry) => ({
        key: entry.path,
        type: entry.option.kind.words,
        default: defaultText(entry),
        description: entry.option.why,
      }))
      terminal.out(`${JSON.stringify(rows, null, 1)}\n`)
    } else terminal.out(found.map(explainEntry).join('\n'))
  })
}

function addSample(configs: Command, terminal: Terminal): void {
  examples(
    configs.command('sample').description('print a commented sample configuration with all defaults'),
    'pennypost config sample > pennypost.toml',
  ).action(async () => {
    const { sampleText } = await import('../config/explain.ts')
    terminal.out(sampleText())
  })
}

function addReference(configs: Command, terminal: Terminal): void {
  examples(
    configs.command('reference').description('print the reference of all keys (docs/config.md)'),
    'pennypost config reference > docs/config.md',
  ).action(async () => {
    const { referenceText } = await import('../config/explain.ts')
    terminal.out(referenceText())
  })
}
