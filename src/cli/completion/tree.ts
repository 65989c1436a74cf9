/** What the shells are told of the commands. */

export interface CompletedOption {
  /** `--json`, `-c`. */
  readonly names: readonly string[]
  readonly description: string
  readonly takesValue: boolean
  /** Its value is a file or a folder. */
  readonly takesFile: boolean
}

export interface CompletedCommand {
  /** `account add`; empty for the program itself. */
  readonly path: string
  readonly commands: readonly { readonly name: string; readonly description: string }[]
  readonly options: readonly CompletedOption[]
  /** Its argument is a file or a folder. */
  readonly takesFile: boolean
}

/** Names of the options that a filter picks, each once, over all commands. */
export function optionNames(
  commands: readonly CompletedCommand[],
  pick: (option: CompletedOption) => boolean,
): readonly string[] {
  return [...new Set(commands.flatMap(({ options }) => options.filter(pick).flatMap(({ names }) => names)))]
}

/** For a shell's single quotes. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
