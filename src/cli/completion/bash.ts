/** Completion for bash: one function, without the bash-completion package. */
import { optionNames, quoted, type CompletedCommand } from './tree.ts'

export function bashCompletion(commands: readonly CompletedCommand[]): string {
  const fileOptions = optionNames(commands, ({ takesFile }) => takesFile)
  const valueOptions = optionNames(commands, ({ takesValue, takesFile }) => takesValue && !takesFile)
  const paths = commands.filter(({ path }) => path !== '').map(({ path }) => quoted(path))
  const cases = commands.map(({ path, commands: below, options, takesFile }) => {
    const names = below.map(({ name }) => name).join(' ')
    const flags = options.flatMap(({ names }) => names.filter((name) => name.startsWith('--'))).join(' ')
    return `    ${quoted(path)}) commands=${quoted(names)} options=${quoted(flags)} files=${takesFile ? 1 : ''} ;;`
  })
  return `# Completion of pennypost for bash; printed by "pennypost completion bash".
_pennypost() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} path= next word i
  local commands= options= files=
  COMPREPLY=()
  case $before in
    ${fileOptions.join('|')}) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    ${valueOptions.join('|')}) return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    next=\${path:+$path }$word
    case $next in
      ${paths.join('|')}) path=$next ;;
    esac
  done
  case $path in
${cases.join('\n')}
  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  elif [[ -n $commands ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
  elif [[ -n $files ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -o filenames -F _pennypost pennypost
`
}
