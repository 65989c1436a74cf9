/** Completion for fish, with descriptions. */
import { quoted, type CompletedCommand } from './tree.ts'

/** fish knows two escapes within single quotes: \\\\ and \\'. */
function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const paths = commands.filter(({ path }) => path !== '').map(({ path }) => quoted(path))
  const lines = commands.flatMap(({ path, commands: below, options, takesFile }) => {
    const when = `complete -c pennypost -n ${fishQuoted(`__pennypost_at "${path}"`)}`
    return [
      ...(takesFile ? [`${when} -F`] : []),
      ...below.map(({ name, description }) => `${when} -a ${fishQuoted(name)} -d ${fishQuoted(description)}`),
      ...options.map(({ names, description, takesValue, takesFile: file }) => {
        const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`))
        return `${when} ${flags.join(' ')} -d ${fishQuoted(description)}${file ? ' -r -F' : takesValue ? ' -x' : ''}`
      }),
    ]
  })
  return `# Completion of pennypost for fish; printed by "pennypost completion fish".
function __pennypost_at
  set -l place
  set -l paths ${paths.join(' ')}
  for word in (commandline -opc)[2..]
    set -l next (string trim -- "$place $word")
    contains -- "$next" $paths; and set place $next
  end
  test "$place" = "$argv[1]"
end
complete -c pennypost -f
${lines.join('\n')}
`
}
