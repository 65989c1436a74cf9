/** Completion for zsh, with descriptions. */
import { optionNames, quoted, type CompletedCommand } from './tree.ts'

/** `name:what it does`, as _describe takes it. */
function described(name: string, description: string): string {
  return quoted(`${name.replaceAll(':', '\\:')}:${description}`)
}

export function zshCompletion(commands: readonly CompletedCommand[]): string {
  const fileOptions = optionNames(commands, ({ takesFile }) => takesFile)
  const valueOptions = optionNames(commands, ({ takesValue, takesFile }) => takesValue && !takesFile)
  const paths = commands.filter(({ path }) => path !== '').map(({ path }) => quoted(path))
  const cases = commands.map(({ path, commands: below, options, takesFile }) => {
    const names = below.map(({ name, description }) => described(name, description)).join(' ')
    const flags = options.flatMap(({ names, description }) => names.map((name) => described(name, description)))
    return `    ${quoted(path)}) below=(${names}) options=(${flags.join(' ')}) files=${takesFile ? 1 : "''"} ;;`
  })
  return `#compdef pennypost
# Completion of pennypost for zsh; printed by "pennypost completion zsh".
_pennypost() {
  local current=$words[CURRENT] before=$words[CURRENT-1] place= next files=
  local -a below options
  local -i i
  case $before in
    ${fileOptions.join('|')}) _files; return ;;
    ${valueOptions.join('|')}) return 1 ;;
  esac
  for ((i = 2; i < CURRENT; i++)); do
    next=\${place:+$place }$words[i]
    case $next in
      ${paths.join('|')}) place=$next ;;
    esac
  done
  case $place in
${cases.join('\n')}
  esac
  if [[ $current == -* ]]; then
    _describe option options
  elif (( $#below )); then
    _describe command below
  elif [[ -n $files ]]; then
    _files
  fi
}
compdef _pennypost pennypost
`
}
