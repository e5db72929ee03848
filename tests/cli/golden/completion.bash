# bash completion for tool: source <(tool completion bash)
_tool() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local path=tool options='' index
  local -a offers=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "$path ${COMP_WORDS[index]}" in
      'tool paint') path='tool paint' ;;
      'tool show') path='tool show' ;;
      'tool show folder') path='tool show folder' ;;
    esac
  done
  case "$path" in
    'tool') options='-h --help'; offers=(-W 'paint show') ;;
    'tool paint') options='-h --help -c --colour --set --json'; offers=(-f); compopt -o filenames 2>/dev/null ;;
    'tool show') options='-h --help'; offers=(-W 'folder') ;;
    'tool show folder') options='-h --help'; offers=(-d); compopt -o filenames 2>/dev/null ;;
  esac
  [[ $current == -* ]] && offers=(-W "$options")
  case "$path $previous" in
    'tool paint -c' | 'tool paint --colour') offers=(-W 'red blue') ;;
    'tool paint --set') offers=() ;;
  esac
  COMPREPLY=()
  ((${#offers[@]})) && mapfile -t COMPREPLY < <(compgen "${offers[@]}" -- "$current")
}
complete -F _tool tool
