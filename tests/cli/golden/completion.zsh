#compdef tool
# zsh completion for tool: source <(tool completion zsh), or as _tool in a folder of $fpath

_tool() {
  local curcontext=$curcontext line state
  _arguments -S -C \
    '-h[Print this help message and exit]' \
    '--help[Print this help message and exit]' \
    '1: :->command' \
    '*::argument:->arguments'
  case $state in
    command)
      local -a commands=(
        'paint:Paint a file\: quickly'
        'show:Show things'
      )
      _describe command commands
      ;;
    arguments)
      case $line[1] in
        paint) _tool_paint ;;
        show) _tool_show ;;
      esac
      ;;
  esac
}

_tool_paint() {
  _arguments -S \
    '-h[Print this help message and exit]' \
    '--help[Print this help message and exit]' \
    ':What to paint:_files' \
    '-c[Its \[new\] colour]:value:(red blue)' \
    '--colour[Its \[new\] colour]:value:(red blue)' \
    '*--set[It'\''s a setting]:value:' \
    '--json[As JSON]'
}

_tool_show() {
  local curcontext=$curcontext line state
  _arguments -S -C \
    '-h[Print this help message and exit]' \
    '--help[Print this help message and exit]' \
    '1: :->command' \
    '*::argument:->arguments'
  case $state in
    command)
      local -a commands=(
        'folder:Show a folder'
      )
      _describe command commands
      ;;
    arguments)
      case $line[1] in
        folder) _tool_show_folder ;;
      esac
      ;;
  esac
}

_tool_show_folder() {
  _arguments -S \
    '-h[Print this help message and exit]' \
    '--help[Print this help message and exit]' \
    ':Which:_files -/'
}

if [[ ${funcstack[1]} == _tool ]]; then
  _tool "$@"
else
  compdef _tool tool
fi
