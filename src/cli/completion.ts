/** `pennypost completion`: what a shell needs to complete our commands, made from the commands themselves. */
import type { Command } from 'commander'
import { examples, UsageFault } from './context.ts'
import { bashCompletion } from './completion/bash.ts'
import { fishCompletion } from './completion/fish.ts'
import type { CompletedCommand, CompletedOption } from './completion/tree.ts'
import { zshCompletion } from './completion/zsh.ts'
import type { Subcommand } from './subcommand.ts'

const shells: Readonly<Record<string, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
}

export const completion: Subcommand = (program, terminal) => {
  examples(
    program
      .command('completion')
      .description('print a shell completion script')
      .argument('<shell>', Object.keys(shells).join(', ')),
    'pennypost completion bash > /etc/bash_completion.d/pennypost',
    'pennypost completion zsh > /usr/local/share/zsh/site-functions/_pennypost',
    'pennypost completion fish > ~/.config/fish/completions/pennypost.fish',
  ).action((shell: string) => {
    if (!Object.hasOwn(shells, shell))
      throw new UsageFault(`No completion for "${shell}": use ${Object.keys(shells).join(', ')}`)
    terminal.out(shells[shell]!(treeOf(program)))
  })
}

/** All commands by their path, the program itself first, aliases as commands of their own. */
function treeOf(program: Command): CompletedCommand[] {
  const found: CompletedCommand[] = []
  const visit = (command: Command, path: string): void => {
    const below = command.commands.flatMap((one) =>
      [one.name(), ...one.aliases()].map((name) => ({ name, description: one.description() })),
    )
    const takesFile = command.registeredArguments.some((argument) => /^(?:file|folder)$/.test(argument.name()))
    found.push({ path, commands: below, options: optionsOf(command), takesFile })
    for (const one of command.commands) {
      for (const name of [one.name(), ...one.aliases()]) visit(one, path === '' ? name : `${path} ${name}`)
    }
  }
  visit(program, '')
  return found
}

function optionsOf(command: Command): CompletedOption[] {
  const own = command.options
    .filter(({ hidden }) => !hidden)
    .map(({ long, short, description, required, optional, flags }) => ({
      names: [long, short].filter((name): name is string => typeof name === 'string'),
      description,
      takesValue: required || optional,
      takesFile: /<(?:file|folder)>/.test(flags),
    }))
  return [...own, { names: ['--help', '-h'], description: 'show the help', takesValue: false, takesFile: false }]
}
